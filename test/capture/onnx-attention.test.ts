import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { exportOnnx } from '../../lib/capture/index.ts';
import { type Argument, type Dim, type GraphModule, Interpreter, SymInt } from '../../lib/graph/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { GraphBuilder, random, uniform } from '../support/graph-builder.ts';

interface Case {
  readonly batch: readonly number[];
  readonly queries: number;
  readonly keys: number;
  readonly width: number;
  readonly valueWidth: number;
  readonly scale?: number;
  readonly causal?: boolean;
  readonly mask?: { readonly dtype: 'bool' | 'float32'; readonly shape: readonly number[] };
}

const sizes = [
  { batch: [], queries: 3, keys: 5, width: 4, valueWidth: 4 },
  { batch: [2], queries: 5, keys: 3, width: 4, valueWidth: 6 },
  { batch: [2, 3], queries: 4, keys: 4, width: 8, valueWidth: 8 },
  { batch: [1, 2], queries: 1, keys: 17, width: 16, valueWidth: 5 },
  { batch: [2, 1, 3], queries: 9, keys: 2, width: 3, valueWidth: 1 },
];

/** Every shape with every mask that broadcasts to its scores. */
const cases: readonly Case[] = sizes.flatMap((size): Case[] => {
  const { batch, queries, keys } = size;
  const shapes = [[keys], [queries, keys], [queries, 1], [...batch, queries, keys], [...batch, 1, keys]];
  const masks = shapes.flatMap((shape): Case[] =>
    (['bool', 'float32'] as const).map((dtype) => ({ ...size, mask: { dtype, shape } })),
  );
  return [size, { ...size, scale: 0.25 }, { ...size, causal: true }, ...masks];
});

/** A mask that hides a third of all keys, and every key from the first query. */
function maskOf({ dtype, shape }: NonNullable<Case['mask']>): Tensor {
  const next = random(11);
  const values = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => {
    const hidden = next() < 1 / 3 || (shape.length > 1 && i < shape.at(-1)!);
    if (dtype === 'bool') return hidden ? 0 : 1;
    return hidden ? Number.NEGATIVE_INFINITY : 2 * next() - 1;
  });
  return Tensor.from(dtype, values, shape);
}

/** Attention in float64. */
function reference(of: Case, [q, k, v, mask]: readonly Tensor[]): number[] {
  const { batch, queries, keys, width, valueWidth } = of;
  const [query, key, value] = [q, k, v].map((tensor) => tensor.toArray());
  const scores = [...batch, queries, keys];
  const result: number[] = [];
  for (let row = 0; row < scores.slice(0, -1).reduce((a, b) => a * b, 1); row++) {
    const image = Math.floor(row / queries);
    const logits = Array.from({ length: keys }, (_, j) => {
      let sum = 0;
      for (let e = 0; e < width; e++)
        sum += query[row * width + e] * key[(image * keys + j) * width + e] * (of.scale ?? width ** -0.5);
      if (of.causal && j > row % queries) return Number.NEGATIVE_INFINITY;
      return mask ? sum + added(mask, scores, row * keys + j) : sum;
    });
    const most = Math.max(...logits);
    const weights = logits.map((logit) => (most === Number.NEGATIVE_INFINITY ? 0 : Math.exp(logit - most)));
    const total = weights.reduce((a, b) => a + b, 0) || 1;
    for (let e = 0; e < valueWidth; e++)
      result.push(
        weights.reduce((sum, w, j) => sum + (w / total) * value[(image * keys + j) * valueWidth + e], 0),
      );
  }
  return result;
}

/** What the mask, broadcast, adds at an index of the scores. */
function added(mask: Tensor, scores: readonly number[], index: number): number {
  let [at, step, rest] = [0, 1, index];
  for (let axis = 1; axis <= scores.length; axis++) {
    const extent = mask.shape.at(-axis) ?? 1;
    if (axis <= mask.shape.length && extent > 1) at += (rest % scores.at(-axis)!) * step;
    if (axis <= mask.shape.length) step *= extent;
    rest = Math.floor(rest / scores.at(-axis)!);
  }
  const value = Number(mask.data[at]);
  if (mask.dtype !== 'bool') return value;
  return value ? 0 : Number.NEGATIVE_INFINITY;
}

/** The inputs, and the graph that takes them: with `symbolic`, extents that only requests know. */
function build(of: Case, symbolic: (shape: readonly number[], what: string) => Dim[]) {
  const { batch, queries, keys, width, valueWidth, mask } = of;
  const shapes = {
    q: [...batch, queries, width],
    k: [...batch, keys, width],
    v: [...batch, keys, valueWidth],
  };
  const tensors = Object.entries(shapes).map(([, shape], i) => uniform(shape, -2, 2, i + 1));
  const b = new GraphBuilder();
  const inputs: Argument[] = Object.entries(shapes).map(([name, shape]) =>
    b.input(name, symbolic(shape, name)),
  );
  if (mask) {
    tensors.push(maskOf(mask));
    inputs.push(b.input('mask', mask.shape, mask.dtype));
  }
  const target = 'aten.scaled_dot_product_attention.default';
  const args = mask ? inputs : [...inputs, null, 0, of.causal ?? false];
  const call = b.graph.callFunction(target, args, of.scale === undefined ? {} : { scale: of.scale });
  return { module: b.finish(call), tensors };
}

async function runOrt(module: GraphModule, tensors: readonly Tensor[]): Promise<Tensor> {
  const session = await InferenceSession.create(exportOnnx(module));
  const feeds = tensors.map(({ dtype, data, shape }, i) => [
    session.inputNames[i],
    new OrtTensor(dtype as 'float32', data as Float32Array, shape),
  ]);
  const result = (await session.run(Object.fromEntries(feeds)))[session.outputNames[0]];
  await session.release();
  return new Tensor('float32', result.data as Float32Array, result.dims);
}

async function expectReference(of: Case, { module, tensors }: ReturnType<typeof build>): Promise<void> {
  const expected = reference(of, tensors);
  const results = [await runOrt(module, tensors), new Interpreter(module, operators).run(tensors)[0]];
  for (const result of results) {
    expect(result.shape).toEqual([...of.batch, of.queries, of.valueWidth]);
    const worst = Math.max(...result.toArray().map((actual, i) => Math.abs(actual - expected[i])));
    // Means of values below 2 that float32 weighs: the exponents, up to 16 * 4 * 0.25, are off by 1e-6 at most.
    expect(worst).toBeLessThan(1e-5);
  }
}

const describeCase = ({ batch, queries, keys, width, valueWidth, scale, causal, mask }: Case) =>
  `[${batch}] ${queries}x${keys}, ${width} and ${valueWidth} wide${scale ? ', scale' : ''}${causal ? ', causal' : ''}` +
  (mask ? `, ${mask.dtype} mask [${mask.shape}]` : '');

describe('exportOnnx of attention', () => {
  for (const of of cases)
    it(`gives ONNX Runtime ${describeCase(of)}`, () =>
      expectReference(
        of,
        build(of, (shape) => [...shape]),
      ));

  it.each([false, true])('leaves batch and lengths open (causal: %s)', async (causal) => {
    const of = { batch: [2, 3], queries: 5, keys: 7, width: 4, valueWidth: 4, causal };
    const open = ([, heads, , width]: readonly number[], what: string) => [
      new SymInt(['s0']),
      heads,
      new SymInt([what === 'q' ? 's1' : 's2']),
      width,
    ];
    await expectReference(of, build(of, open));
  });

  it('refuses a width that only requests know, unless it is given a scale', () => {
    const of = { batch: [], queries: 2, keys: 2, width: 4, valueWidth: 4 };
    const open = (shape: readonly number[], what: string) => [
      shape[0],
      what === 'v' ? shape[1] : new SymInt(['s0']),
    ];
    expect(() => exportOnnx(build(of, open).module)).toThrow(
      /attention whose width is known only when a request arrives, \[2, ?s0\]: give it a scale/,
    );
    expect(exportOnnx(build({ ...of, scale: 0.5 }, open).module).length).toBeGreaterThan(0);
  });
});
