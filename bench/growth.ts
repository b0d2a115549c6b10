/**
 * `npm run bench:growth`: what a network costs as its work grows, one way at a time: more images a batch, larger images,
 * more layers. Prints a markdown table with the time a unit of work takes, and how many times as long that is as it
 * should be: 1 where time grows as work does from the first row of its series.
 *
 *     npm run bench:growth -- --threads 1 --batch 1,2,4,8,16,32,64 --side 128,192,256,384,512 --depth 4,8,16,32
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { markdownTable } from 'markdown-table';
import type { GraphModule } from '../lib/index.ts';
import { manualSeed } from '../lib/nn/index.ts';
import { effortOf, effortOptions, positiveIntegers } from './effort.ts';
import { race } from './harness.ts';
import { residualTower, resnet18 } from './models/resnet.ts';
import { precisionsHere } from './precisions.ts';
import { captureModule, writeOctavo } from './prepare.ts';
import { formatSetup, setupHere } from './report.ts';

const { values: options } = parseArgs({
  options: {
    ...effortOptions,
    threads: { type: 'string', default: '1' },
    batch: { type: 'string', default: '1,2,4,8,16,32,64' },
    side: { type: 'string', default: '128,192,256,384,512' },
    depth: { type: 'string', default: '4,8,16,32' },
  },
});
const effort = effortOf(options);
const { precisions } = precisionsHere();

/** One size of a growing series. */
interface Size {
  readonly series: string;
  readonly value: number;
  /** Relative to the other sizes of the series. */
  readonly work: number;
  readonly inputShape: readonly number[];
}

interface Measurement extends Size {
  readonly threads: number;
  readonly precision: string;
  readonly milliseconds: number;
  readonly otherLoad: number;
}

async function measure(captured: GraphModule, sizes: readonly Size[]): Promise<Measurement[]> {
  const folder = await mkdtemp(join(tmpdir(), 'octavo-growth-'));
  try {
    const shape = sizes[0].inputShape.slice(1);
    const files = await writeOctavo(captured, { inputShape: shape, recipe: 'static' }, precisions, folder);
    const results: Measurement[] = [];
    for (const threads of positiveIntegers('threads', options.threads))
      for (const size of sizes) {
        const entries = Object.entries(files).map(([name, file]) => {
          return { name, engine: 'octavo', file, threads } as const;
        });
        const { timings, otherLoad } = await race(entries, size.inputShape, effort);
        for (const { entry, medianMs: milliseconds } of timings)
          results.push({ ...size, threads, precision: entry.name, milliseconds, otherLoad });
        console.error(`${size.series} ${size.value}, ${threads} threads`);
      }
    return results;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Time a unit of work takes, over that of the first size of the same series, precision and thread count. */
function growthOf(one: Measurement): number {
  const first = measured.find(
    ({ series, precision, threads }) =>
      series === one.series && precision === one.precision && threads === one.threads,
  )!;
  return one.milliseconds / one.work / (first.milliseconds / first.work);
}

manualSeed(0);
const side = 224;
const measured: Measurement[] = [];
const batches = positiveIntegers('batch', options.batch).map((value): Size => {
  return { series: 'batch of ResNet-18', value, work: value, inputShape: [value, 3, side, side] };
});
measured.push(...(await measure(captureModule(resnet18(), [3, side, side]), batches)));
for (const value of positiveIntegers('side', options.side)) {
  const inputShape = [1, 3, value, value];
  const size = { series: 'image side of ResNet-18', value, work: value ** 2, inputShape };
  measured.push(...(await measure(captureModule(resnet18(), [3, value, value]), [size])));
}
for (const value of positiveIntegers('depth', options.depth)) {
  const inputShape = [1, 64, 28, 28];
  const size = { series: 'residual blocks, 64 channels of 28x28', value, work: value, inputShape };
  measured.push(...(await measure(captureModule(residualTower(value), [64, 28, 28]), [size])));
}
const results = measured.map((one) => ({ ...one, overLinear: growthOf(one) }));
if (options.json) console.log(JSON.stringify({ setup: setupHere(), effort, results }, null, 2));
else {
  const rows = results
    .toSorted((a, b) => a.precision.localeCompare(b.precision))
    .map((one) => [
      one.series,
      ...[one.precision, one.threads, one.value].map(String),
      `${one.milliseconds.toFixed(2)} ms`,
      `${one.overLinear.toFixed(2)}x`,
      one.otherLoad.toFixed(2),
    ]);
  const heading = ['growing', 'precision', 'threads', 'to', 'time', 'over linear growth', 'other load'];
  console.log(`${formatSetup(setupHere())}\n\n${markdownTable([heading, ...rows])}`);
}
