/**
 * `npm run bench:observers`: how fast the observers' kernels go through memory, beside a plain read of as many bytes by
 * the C library's `memchr`. Prints a markdown table; `--megabytes` and `--rounds` change the effort.
 */
import { parseArgs } from 'node:util';
import { markdownTable } from 'markdown-table';
import { addon } from '../lib/native/addon.ts';
import { median } from '../lib/statistics.ts';
import { otherLoad, snapshot } from './machine.ts';
import { pseudoRandom } from './pseudo-random.ts';

const { values: options } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '1,128' },
    rounds: { type: 'string', default: '31' },
  },
});

const { minMax, histogram } = addon.observe;
const channels = 64;
const extremes = () => new Float32Array(channels);

/** Each reads all of `data` once. */
const kernels: Readonly<Record<string, (data: Float32Array) => unknown>> = {
  'min and max, per tensor': (data) => minMax(data, 1, data.length, new Float32Array(1), new Float32Array(1)),
  'min and max, channels first': (data) => minMax(data, 1, data.length / channels, extremes(), extremes()),
  'min and max, channels last': (data) => minMax(data, data.length / channels, 1, extremes(), extremes()),
  'histogram of 2048 bins': (data) => histogram(data, -2, 2, 2048),
};

function gigabytesPerSecond(bytes: number, rounds: number, read: () => unknown): number {
  read();
  const seconds = Array.from({ length: rounds }, () => {
    const start = performance.now();
    read();
    return (performance.now() - start) / 1000;
  });
  return bytes / median(seconds) / 1e9;
}

function rowsOf(megabytes: number): string[][] {
  const rounds = Number(options.rounds);
  const data = pseudoRandom((megabytes * 2 ** 20) / 4, 1);
  const zeros = Buffer.alloc(data.byteLength, 0);
  zeros.fill(0); // Pages that were never written all lie in one place.
  const plain = gigabytesPerSecond(zeros.length, rounds, () => zeros.indexOf(1));
  const row = (name: string, speed: number) => [
    name,
    `${megabytes} MiB`,
    `${speed.toFixed(1)} GB/s`,
    (speed / plain).toFixed(2),
  ];
  const measured = Object.entries(kernels).map(([name, kernel]) =>
    row(
      name,
      gigabytesPerSecond(data.byteLength, rounds, () => kernel(data)),
    ),
  );
  return [row('plain read', plain), ...measured];
}

const before = snapshot([]);
const rows = options.megabytes.split(',').flatMap((megabytes) => rowsOf(Number(megabytes)));
console.log(markdownTable([['kernel', 'tensor', 'speed', 'of a plain read'], ...rows]));
console.log(`\nOn one thread. Other load: ${otherLoad(before, snapshot([])).toFixed(2)} cores.`);
