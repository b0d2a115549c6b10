import { describe, expect, it } from 'vitest';
import { addon } from '../../lib/native/addon.ts';
import {
  type QLinearOptions,
  qlinearPointwise,
  qlinearPointwiseBinary,
  qlinearPrepack,
} from '../../lib/onednn/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import {
  outputs,
  pairs,
  type Quantized,
  randomAddend,
  ranges,
  sizeOf,
  unaries,
  unaryOf,
} from '../support/layers.ts';
import { finish, firstMismatch, integers, linearSums, seeded, valuesOf } from '../support/reference.ts';

interface Case {
  readonly x: readonly number[];
  readonly out: number;
  readonly input: Quantized;
  readonly output: NonNullable<QLinearOptions['outputDtype']>;
  readonly seed: number;
  readonly unary?: string;
  readonly addend?: (typeof outputs)[number];
  readonly perTensor?: boolean;
  readonly noBias?: boolean;
  /** The largest magnitude of a weight; 127 where left out. */
  readonly largest?: number;
}

function problemOf(c: Case): string | undefined {
  const random = seeded(c.seed);
  const inner = c.x[c.x.length - 1];
  const x = Tensor.from(c.input, integers(random, sizeOf(c.x), ...ranges[c.input]), c.x);
  const { largest = 127 } = c;
  const weight = Tensor.from('int8', integers(random, c.out * inner, -largest, largest), [c.out, inner]);
  const xZeroPoint = integers(random, 1, ...ranges[c.input])[0];
  const xScale = Math.fround(0.02 + 0.01 * random());
  const spread = 3 / (xScale * 74 * 74 * Math.sqrt(inner));
  const wScale = Array.from({ length: c.perTensor ? 1 : c.out }, () =>
    Math.fround(spread * (0.5 + random())),
  );
  const bias = c.noBias ? undefined : Array.from({ length: c.out }, () => Math.fround(4 * random() - 2));
  const quantizes = c.output === 'uint8' || c.output === 'int8';
  const outputScale = quantizes ? Math.fround(0.03 + 0.02 * random()) : 1;
  const outputZeroPoint = quantizes ? integers(random, 1, ...ranges[c.output as Quantized])[0] : 0;
  const unary = c.unary ?? 'none';
  const options = {
    xScale,
    xZeroPoint,
    bias: bias ? Tensor.from('float32', bias) : null,
    outputScale,
    outputZeroPoint,
    outputDtype: c.output,
    unary: unaryOf(unary),
  };
  const packed = qlinearPrepack(weight, wScale);
  const shape = [...c.x.slice(0, -1), c.out];
  let actual: Tensor;
  let addend: ((i: number) => number) | undefined;
  if (c.addend) {
    const other = randomAddend(c.addend, shape, random);
    const values = valuesOf(other.tensor);
    addend = (i) => (values[i] - other.zeroPoint) * other.scale;
    actual = qlinearPointwiseBinary(x, packed, other.tensor, {
      ...options,
      otherScale: other.scale,
      otherZeroPoint: other.zeroPoint,
    });
  } else {
    actual = qlinearPointwise(x, packed, options);
  }
  expect(actual.shape).toEqual(shape);
  const exact = finish(
    linearSums(x.data as Uint8Array, xZeroPoint, weight.data as Int8Array, weight.shape),
    (i) => i % c.out,
    wScale.map((scale) => scale * xScale),
    bias,
    addend,
    unary,
  );
  return firstMismatch(actual, exact, outputScale, outputZeroPoint);
}

function failures(cases: readonly Case[]): string[] {
  return cases.flatMap((c) => {
    const problem = problemOf(c);
    return problem ? [`${JSON.stringify(c)}: ${problem}`] : [];
  });
}

const shapes = [
  { name: 'one row', x: [1, 64], out: 48 },
  { name: 'a vector', x: [40], out: 16 },
  { name: 'rows', x: [33, 100], out: 10 },
  { name: 'a batch of sequences', x: [2, 9, 128], out: 64 },
  { name: 'four dimensions', x: [2, 3, 4, 17], out: 5 },
  { name: 'one output', x: [7, 20], out: 1 },
  { name: 'one input', x: [7, 1], out: 12 },
  { name: 'wide', x: [16, 1030], out: 200 },
];

describe('qlinearPointwise', () => {
  it.each(shapes)('$name: every input and output dtype', ({ x, out }) => {
    expect(failures(pairs.map((dtypes, seed) => ({ x, out, ...dtypes, seed })))).toEqual([]);
    expect(
      failures(pairs.map((dtypes, seed) => ({ x, out, ...dtypes, seed, perTensor: true, noBias: true }))),
    ).toEqual([]);
  });

  it.each(unaries)('then %s', (unary) => {
    expect(
      failures(pairs.map((dtypes, seed) => ({ x: [5, 48], out: 40, ...dtypes, seed: 20 + seed, unary }))),
    ).toEqual([]);
  });
});

/** Two products with 255 fit 16 bits, and rows are many: without VNNI these are convolutions of one pixel. */
const inPixels = [
  { x: [64, 48], out: 40, largest: 64 },
  { x: [2, 67, 33], out: 9, largest: 64 },
  { x: [130, 17], out: 200, largest: 64 },
  { x: [70, 1], out: 1, largest: 64 },
];

describe('many rows of small weights', () => {
  it.each(inPixels)('$x to $out: every input and output dtype', (shape) => {
    expect(failures(pairs.map((dtypes, seed) => ({ ...shape, ...dtypes, seed })))).toEqual([]);
    expect(
      failures(pairs.map((dtypes, seed) => ({ ...shape, ...dtypes, seed, perTensor: true, noBias: true }))),
    ).toEqual([]);
  });

  it.each(unaries)('then %s', (unary) => {
    const cases = inPixels.flatMap((shape) =>
      pairs.map((dtypes, seed) => ({ ...shape, ...dtypes, seed: 20 + seed, unary })),
    );
    expect(failures(cases)).toEqual([]);
  });

  it.each(outputs)('plus %s', (addend) => {
    const cases = inPixels.flatMap((shape) =>
      ['none', 'relu', 'gelu'].flatMap((unary) =>
        pairs.map((dtypes, seed) => ({ ...shape, ...dtypes, seed: 40 + seed, addend, unary })),
      ),
    );
    expect(failures(cases)).toEqual([]);
  });
});

describe('qlinearPointwiseBinary', () => {
  const combinations = outputs.flatMap((addend) =>
    ['none', 'relu', 'gelu'].map((unary) => ({ addend, unary })),
  );
  it.each(combinations)('plus $addend, then $unary', ({ addend, unary }) => {
    const cases = pairs.map((dtypes, seed) => ({
      x: [2, 5, 48],
      out: 40,
      ...dtypes,
      seed: 40 + seed,
      addend,
      unary,
    }));
    expect(failures(cases)).toEqual([]);
    expect(failures(cases.map((c) => ({ ...c, x: [1, 33], out: 9, noBias: true })))).toEqual([]);
  });
});

describe('a source that is its zero point', () => {
  // Sums of up to 200 * 255 * 128 are whole floats, as is what the zero point adds to them: oneDNN 2.x adds both before it
  // scales. 3.x scales first and rounds: its scaled sum, what is taken from it (three times), and nothing else.
  const roundings = addon.oneDnnVersion().version.startsWith('2.') ? 0 : 4;

  it.each([1, 3, 64, 200])('gives 0, %i rows', (rows) => {
    const [inner, out, zeroPoint, xScale] = [200, 33, 155, 0.0227];
    const random = seeded(rows);
    const weight = Tensor.from('int8', integers(random, out * inner, -128, 127), [out, inner]);
    weight.data.fill(-128 as never, 0, inner);
    const wScale = Array.from({ length: out }, () => Math.fround(0.002 + 0.01 * random()));
    const x = Tensor.from('uint8', new Array(rows * inner).fill(zeroPoint), [rows, inner]);
    const y = qlinearPointwise(x, qlinearPrepack(weight, wScale), {
      xScale,
      xZeroPoint: zeroPoint,
      bias: null,
      outputDtype: 'float32',
    });
    const sums = linearSums(x.data as Uint8Array, 0, weight.data as Int8Array, weight.shape);
    const bounds = Array.from(y.data as Float32Array, (_, i) =>
      Math.abs(roundings * 2 ** -24 * sums[i] * xScale * wScale[i % out]),
    );
    expect(bounds.findIndex((bound, i) => !(Math.abs(Number(y.data[i])) <= bound))).toBe(-1);
  });
});
