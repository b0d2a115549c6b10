/**
 * `npm run bench:memory`: resident memory of a process that serves an int8 network at batch 1, from a file without and with
 * packed weights, beside bare Node and ONNX Runtime with the int8 network of the same weights, each in a process of its
 * own; and of the float network from its `.onnx` file and the `.pt2` files that `--pt2` names. Prints a markdown table.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { markdownTable } from 'markdown-table';
import { median } from '../lib/statistics.ts';
import { floatServices } from './float-services.ts';
import { observe, type Reached, type Service, type Stage, stages } from './fresh-process.ts';
import { precisionsHere } from './precisions.ts';
import { prepareNetwork, writePacked } from './prepare.ts';

const { values: options } = parseArgs({
  options: {
    networks: { type: 'string', default: 'resnet18,resnet50' },
    threads: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '5' },
    pt2: { type: 'string', default: '' },
  },
});
const threads = Number(options.threads);

type Measured = ReadonlyMap<Stage, Reached>;

async function measure(service: Service): Promise<readonly Measured[]> {
  const rounds: Measured[] = [];
  for (let i = 0; i < Number(options.rounds); i++) rounds.push(await observe(service));
  return rounds;
}

const medianOf = (rounds: readonly Measured[], stage: Stage, what: keyof Reached['memory']): number =>
  median(rounds.map((reached) => reached.get(stage)!.memory[what]));

const last = stages[stages.length - 1];
const bare = await measure({ engine: 'node', file: '', threads });
const megabytes = (value: number) => value.toFixed(1);

function row(network: string, name: string, rounds: readonly Measured[]): string[] {
  const above = (what: 'rss' | 'pss') => medianOf(rounds, last, what) - medianOf(bare, last, what);
  return [
    network,
    name,
    ...stages.map((stage) => megabytes(medianOf(rounds, stage, 'rss'))),
    megabytes(medianOf(rounds, 'load', 'peak')),
    megabytes(medianOf(rounds, last, 'peak')),
    megabytes(medianOf(rounds, last, 'pss')),
    megabytes(above('rss')),
    megabytes(above('pss')),
  ];
}

const heading = [
  ...['network', 'process', ...stages.map((stage) => `RSS after ${stage}`)],
  ...['peak RSS to load', 'peak RSS', 'PSS'],
];
const rows = [[...heading, 'RSS above bare Node', 'PSS above bare Node'], row('', 'bare Node', bare)];
const folder = await mkdtemp(join(tmpdir(), 'octavo-memory-'));
try {
  for (const network of options.networks.split(',')) {
    const files = await prepareNetwork(network, precisionsHere().precisions, folder);
    const { octavo, onnxInt8 } = files;
    const packed = await writePacked(octavo.int8, files, threads);
    for (const [name, service] of [
      ['Octavo int8', { engine: 'octavo', file: octavo.int8, threads }],
      ['Octavo int8, packed', { engine: 'octavo', file: packed, threads }],
      ['ONNX Runtime int8', { engine: 'onnxruntime', file: onnxInt8.u8s8, threads }],
      ...floatServices(files.onnxFp32, options.pt2, threads),
    ] as const)
      rows.push(row(network, name, await measure(service)));
  }
} finally {
  await rm(folder, { recursive: true });
}
console.log(
  `MiB, medians of ${options.rounds} processes, ${threads} threads, batch 1, Node ${process.version}.\n`,
);
console.log(markdownTable(rows, { align: ['l', 'l', ...heading.map(() => 'r')] }));
