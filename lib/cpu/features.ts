import { addon } from '../native/addon.ts';
import type { OneDnnVersion } from '../native/addon-types.ts';
import { type CpuModel, cpuModel, type InstructionSets, instructionSets } from './instruction-sets.ts';
import { type CpuTopology, cpuTopology } from './topology.ts';

/** The features of this machine for int8 inference, and the part of them that oneDNN uses. */
export interface CpuFeatures extends CpuModel, CpuTopology {
  readonly instructionSets: InstructionSets;
  /** The oneDNN in use, with the widest instruction set it will use; `ONEDNN_MAX_CPU_ISA` lowers that one. */
  readonly oneDnn: OneDnnVersion;
}

/** The features that decide how fast a dtype is. */
export type ComputeFeatures = Pick<CpuFeatures, 'instructionSets' | 'oneDnn'>;

/** The part of {@link cpuFeatures} that needs no file. */
export function computeFeatures(): ComputeFeatures {
  return { instructionSets: instructionSets(addon.rawCpu()), oneDnn: addon.oneDnnVersion() };
}

/**
 * Examines the processor, the permissions of this process from operating system and kernel, and oneDNN.
 *
 * Cores and caches are those of the process's CPU affinity at the time of the call. Instruction sets are those of the
 * machine, regardless of `ONEDNN_MAX_CPU_ISA`.
 */
export function cpuFeatures(): CpuFeatures {
  return { ...cpuModel(addon.rawCpu()), ...cpuTopology(), ...computeFeatures() };
}
