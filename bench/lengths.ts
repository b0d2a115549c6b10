/**
 * `npm run bench:lengths`: an encoder that takes sequences of any length, dynamically quantized, serves requests of random
 * lengths. Prints what a request of a length that has no plan costs more than the next ones of that length, and the memory
 * of the process as requests go by.
 *
 *     npm run bench:lengths -- --network bert_base --longest 128 --requests 10000 --threads 1
 */
import { parseArgs } from 'node:util';
import { markdownTable } from 'markdown-table';
import { exportModel, quantizeDynamic, Tensor } from '../lib/index.ts';
import { manualSeed } from '../lib/nn/index.ts';
import { median } from '../lib/statistics.ts';
import { networkOf } from './bench-network.ts';
import { positiveIntegers } from './effort.ts';
import { otherLoad, snapshot } from './machine.ts';
import { inputOf } from './profiles.ts';
import { formatSetup, setupHere } from './report.ts';

const { values: options } = parseArgs({
  options: {
    network: { type: 'string', default: 'bert_base' },
    longest: { type: 'string', default: '128' },
    requests: { type: 'string', default: '1000' },
    threads: { type: 'string', default: '1' },
  },
});
const [longest] = positiveIntegers('longest', options.longest);
const [requests] = positiveIntegers('requests', options.requests);
const [threads] = positiveIntegers('threads', options.threads);

const network = networkOf(options.network);
if (!('build' in network) || network.inputShape.length !== 2)
  throw new Error(`--network takes one of sequences of vectors that is built here, not '${options.network}'`);
manualSeed(0);
const [, width] = network.inputShape;
const captured = exportModel(
  network.build().eval(),
  { x: inputOf([2, longest, width]) },
  { dynamicBatch: true, dynamicShapes: { x: { 1: { name: 'length', min: 1, max: longest } } } },
);
using model = await quantizeDynamic(captured, { streams: 1, threadsPerStream: threads });

const sequences = inputOf([1, longest, width]).data as Float32Array;
const requestOf = (length: number) => ({
  x: new Tensor('float32', sequences.subarray(0, length * width), [1, length, width]),
});
async function milliseconds(length: number): Promise<number> {
  const start = performance.now();
  await model.run(requestOf(length));
  return performance.now() - start;
}

const before = snapshot([]);
// The process's own code is compiled meanwhile.
for (let length = 1; length <= Math.min(40, longest); length++) await milliseconds(length);
const more: number[] = [];
for (let length = longest; length > Math.max(40, longest - 80); length--) {
  const first = await milliseconds(length);
  const next = [await milliseconds(length), await milliseconds(length), await milliseconds(length)];
  more.push(first - median(next));
}

const megabytes = () => (process.memoryUsage.rss() / 2 ** 20).toFixed(0);
const rows = [['requests', 'RSS, MiB']];
// The same lengths in every run.
let state = 1;
for (let done = 0; done < requests; done++) {
  if (done % Math.ceil(requests / 10) === 0) rows.push([String(done), megabytes()]);
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  await milliseconds(1 + (state % longest));
}
rows.push([String(requests), megabytes()]);

console.log(formatSetup(setupHere()));
console.log(
  `${options.network}, up to ${longest} long, ${threads} threads: a new length takes ${median(more).toFixed(1)} ms more ` +
    `(median of ${more.length}); ${otherLoad(before, snapshot([])).toFixed(2)} cores were busy with other work.\n`,
);
console.log(markdownTable(rows));
