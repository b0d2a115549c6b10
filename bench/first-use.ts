/**
 * `npm run bench:first-use`: time to the first result of an int8 network at batch 1, from the start of the process and
 * from the call that loads the model, without and with packed weights in the file, beside ONNX Runtime's with the int8
 * network of the same weights. The float network as another tool writes it, its `.onnx` file and the `.pt2` files that `--pt2`
 * names, is compiled when it is loaded, beside ONNX Runtime's session of the `.onnx` file. Every figure comes from fresh
 * processes that take turns. Prints a markdown table.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { markdownTable } from 'markdown-table';
import { median } from '../lib/statistics.ts';
import { floatServices } from './float-services.ts';
import { observe, type Service } from './fresh-process.ts';
import { otherLoad, snapshot } from './machine.ts';
import { precisionsHere } from './precisions.ts';
import { prepareNetwork, writePacked } from './prepare.ts';

const { values: options } = parseArgs({
  options: {
    networks: { type: 'string', default: 'resnet18,resnet50' },
    threads: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '15' },
    pt2: { type: 'string', default: '' },
  },
});
const threads = Number(options.threads);

/** Milliseconds of one process, each from where the one before ends; `sinceStart` of all. */
interface Times {
  readonly imports: number;
  readonly load: number;
  readonly firstRun: number;
  readonly sinceStart: number;
}

async function time(service: Service): Promise<Times> {
  const reached = await observe(service);
  const at = (stage: 'import' | 'load' | 'first result') => reached.get(stage)!.milliseconds;
  return {
    imports: at('import'),
    load: at('load') - at('import'),
    firstRun: at('first result') - at('load'),
    sinceStart: at('first result'),
  };
}

function row(network: string, name: string, times: readonly Times[]): string[] {
  const of = (pick: (time: Times) => number) => median(times.map(pick)).toFixed(0);
  return [
    network,
    name,
    of(({ imports }) => imports),
    of(({ load }) => load),
    of(({ firstRun }) => firstRun),
    of(({ load, firstRun }) => load + firstRun),
    of(({ sinceStart }) => sinceStart),
  ];
}

const rows = [
  [
    'network',
    'engine',
    'start and import',
    'load',
    'first run',
    'load to first result',
    'start to first result',
  ],
];
const folder = await mkdtemp(join(tmpdir(), 'octavo-first-use-'));
try {
  for (const network of options.networks.split(',')) {
    const files = await prepareNetwork(network, precisionsHere().precisions, folder);
    const { octavo, onnxInt8 } = files;
    const { onnxFp32 } = files;
    const named: readonly (readonly [string, Service])[] = [
      ['Octavo int8', { engine: 'octavo', file: octavo.int8, threads }],
      [
        'Octavo int8, packed',
        { engine: 'octavo', file: await writePacked(octavo.int8, files, threads), threads },
      ],
      ['ONNX Runtime int8', { engine: 'onnxruntime', file: onnxInt8.u8s8, threads }],
      ...floatServices(onnxFp32, options.pt2, threads),
    ];
    const services = named.map(([, service]) => service);
    const times = new Map<Service, Times[]>(services.map((service) => [service, []]));
    const before = snapshot([]);
    for (let round = 0; round < Number(options.rounds); round++)
      for (const service of round % 2 === 0 ? services : services.toReversed())
        times.get(service)!.push(await time(service));
    const load = otherLoad(before, snapshot([])).toFixed(1);
    console.log(`${network}: ${load} cores were busy meanwhile, those processes included`);
    for (const [name, service] of named) rows.push(row(network, name, times.get(service)!));
  }
} finally {
  await rm(folder, { recursive: true });
}
console.log(
  `\nMilliseconds, medians of ${options.rounds} alternating processes, ${threads} threads, batch 1, Node ${process.version}.\n`,
);
console.log(markdownTable(rows, { align: ['l', 'l', ...rows[0].map(() => 'r')] }));
