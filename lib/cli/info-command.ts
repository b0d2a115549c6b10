import { Command } from 'commander';
import { x86Backend } from '../backend/index.ts';
import { type CpuFeatures, cpuFeatures } from '../cpu/features.ts';
import type { InstructionSets } from '../cpu/instruction-sets.ts';
import { formatTable, type GlobalOptions, printResult } from './output.ts';
import { describeBackend, formatBackend } from './tables/backend-table.ts';
import { describeOperators, formatOperators } from './tables/operator-table.ts';

/** `octavo info`: what this machine and this build of oneDNN can do for int8 inference. */
export function infoCommand(): Command {
  return new Command('info')
    .description('show what this CPU and oneDNN can do')
    .option('--backend', 'show instead which patterns run in one kernel, and on which element types')
    .option(
      '--operators',
      "show instead which of PyTorch's Core ATen operators there are, and how each is computed",
    )
    .action((_: unknown, self: Command) => info(self.optsWithGlobals<InfoOptions>()));
}

interface InfoOptions extends GlobalOptions {
  readonly backend?: boolean;
  readonly operators?: boolean;
}

/** What each instruction set means to a user of int8. */
const instructionSetNames: Readonly<Record<keyof InstructionSets, string>> = {
  avx2: 'AVX2',
  avx512Core: 'AVX-512 core (F, BW, DQ, VL, CD)',
  avx512Vnni: 'AVX-512 VNNI (int8 dot products)',
  avxVnni: 'AVX-VNNI (int8 dot products)',
  avx512Bf16: 'AVX-512 BF16',
  avx512Fp16: 'AVX-512 FP16',
  amxTile: 'AMX tiles',
  amxInt8: 'AMX int8',
  amxBf16: 'AMX bfloat16',
};

function info(options: InfoOptions): void {
  if (options.backend) {
    printResult(options, describeBackend(x86Backend), () => formatBackend(x86Backend));
    return;
  }
  if (options.operators) {
    printResult(options, describeOperators(), formatOperators);
    return;
  }
  const features = cpuFeatures();
  printResult(options, { ...features, node: process.version }, () => describe(features));
}

function describe(features: CpuFeatures): string {
  const { brand, vendor, cores, logicalCpus, sockets, caches, instructionSets, oneDnn } = features;
  const cacheTexts = caches.map(
    ({ level, type, bytes, instances }) => `L${level} ${type} ${instances} x ${formatCacheSize(bytes)}`,
  );
  const facts = [
    ['processor', brand || vendor],
    ['cores', `${cores} (${logicalCpus} logical CPUs, ${sockets} ${sockets === 1 ? 'socket' : 'sockets'})`],
    ['caches', cacheTexts.join(', ') || 'unknown'],
    ['oneDNN', `${oneDnn.version}, threads by ${oneDnn.runtime}, uses ${oneDnn.isa}`],
    ['Node', process.version],
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  const sets = Object.entries(instructionSetNames).map(([key, name]) => [
    name,
    instructionSets[key as keyof InstructionSets] ? 'yes' : 'no',
  ]);
  return [
    ...facts.map(([name, value]) => `${name.padEnd(width)}  ${value}`),
    '',
    formatTable([['instruction set', 'usable'], ...sets]),
  ].join('\n');
}

/** Caches come in powers of two. */
function formatCacheSize(bytes: number): string {
  return bytes < 2 ** 20 ? `${bytes / 2 ** 10} KiB` : `${bytes / 2 ** 20} MiB`;
}
