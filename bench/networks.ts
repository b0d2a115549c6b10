/**
 * `npm run bench`: Octavo's int8 against its own float32, and both against ONNX Runtime's, on networks for ImageNet with
 * seeded weights. Prints a markdown table. `npm run bench -- --quick` takes a minute and is for checking that it runs.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { markdownTable } from 'markdown-table';
import { cpuFeatures } from '../lib/index.ts';
import { checkAgreement } from './agreement.ts';
import type { Entry } from './contestant.ts';
import { type Effort, type Heat, race } from './harness.ts';
import { imageShape, type NetworkFiles, prepareNetwork } from './prepare.ts';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    networks: { type: 'string', default: 'resnet18,resnet50' },
    batch: { type: 'string', default: '1,16' },
    threads: { type: 'string', default: '1,2' },
  },
});

const numbers = (list: string) => list.split(',').map(Number);
const effort: Effort = options.quick
  ? { rounds: 3, turnMilliseconds: 50 }
  : { rounds: 15, turnMilliseconds: 400 };

function entriesOf(files: NetworkFiles, threads: number): Entry[] {
  return [
    { name: 'Octavo fp32', engine: 'octavo', file: files.octavoFp32, threads },
    { name: 'Octavo int8', engine: 'octavo', file: files.octavoInt8, threads },
    { name: 'ONNX Runtime fp32', engine: 'onnxruntime', file: files.onnxFp32, threads },
    { name: 'ONNX Runtime int8', engine: 'onnxruntime', file: files.onnxInt8, threads },
  ];
}

const heading = [
  'network',
  'threads',
  'batch',
  'Octavo fp32',
  'Octavo int8',
  'ORT fp32',
  'ORT int8',
  'int8 over fp32',
  'over ORT fp32',
  'over ORT int8',
  'other load',
];

/** Ratios say how many times as fast Octavo's int8 is. */
function row(network: string, threads: number, batch: number, { timings, otherLoad }: Heat): string[] {
  const [fp32, int8, ortFp32, ortInt8] = timings.map(({ medianMs }) => medianMs);
  const times = [fp32, int8, ortFp32, ortInt8].map((ms) => `${ms.toFixed(ms < 10 ? 2 : 1)} ms`);
  const ratios = [fp32, ortFp32, ortInt8].map((ms) => `${(ms / int8).toFixed(2)}x`);
  return [network, String(threads), String(batch), ...times, ...ratios, otherLoad.toFixed(2)];
}

const { brand, cores, oneDnn } = cpuFeatures();
const { version: ortVersion } = createRequire(import.meta.url)('onnxruntime-node/package.json');
console.log(
  `${brand}, ${cores} cores, ${oneDnn.isa}; oneDNN ${oneDnn.version}, onnxruntime-node ${ortVersion}, Node ${process.version}\n` +
    `Medians of ${effort.rounds} alternating turns of at least ${effort.turnMilliseconds} ms each.\n`,
);
const folder = await mkdtemp(join(tmpdir(), 'octavo-bench-'));
const rows: string[][] = [];
try {
  for (const network of options.networks.split(',')) {
    const files = await prepareNetwork(network, folder);
    console.log(await checkAgreement(network, files));
    for (const threads of numbers(options.threads))
      for (const batch of numbers(options.batch)) {
        const heat = await race(entriesOf(files, threads), [batch, ...imageShape], effort);
        rows.push(row(network, threads, batch, heat));
        console.log(rows.at(-1)!.join(' | '));
      }
  }
} finally {
  await rm(folder, { recursive: true });
}
const align = heading.map((_, column) => (column === 0 ? 'l' : 'r'));
console.log(`\n${markdownTable([heading, ...rows], { align })}`);
