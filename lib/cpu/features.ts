import { addon, type OneDnnVersion } from '../native/addon.ts';
import { type CpuModel, cpuModel, type InstructionSets, instructionSets } from './instruction-sets.ts';
import { type CpuTopology, cpuTopology } from './topology.ts';

/** What this machine offers to int8 inference, and what oneDNN will make of it. */
export interface CpuFeatures extends CpuModel, CpuTopology {
  readonly instructionSets: InstructionSets;
  /** The oneDNN in use, with the widest instruction set it will use; `ONEDNN_MAX_CPU_ISA` lowers that one. */
  readonly oneDnn: OneDnnVersion;
}

/** What decides how fast a dtype is. */
export type ComputeFeatures = Pick<CpuFeatures, 'instructionSets' | 'oneDnn'>;

/** That part of {@link cpuFeatures} which no file has to be read for. */
export function computeFeatures(): ComputeFeatures {
  return { instructionSets: instructionSets(addon.rawCpu()), oneDnn: addon.oneDnnVersion() };
}

/**
 * Looks at the processor, at what operating system and kernel let this process use of it, and at oneDNN.
 *
 * Cores and caches are those of the process's CPU affinity at the time of the call; instruction sets are what the machine
 * can do, whatever `ONEDNN_MAX_CPU_ISA` says.
 */
export function cpuFeatures(): CpuFeatures {
  return { ...cpuModel(addon.rawCpu()), ...cpuTopology(), ...computeFeatures() };
}
