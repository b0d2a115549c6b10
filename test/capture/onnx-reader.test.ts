import { describe, expect, it } from 'vitest';
import { type LoadOnnxOptions, loadOnnx } from '../../lib/capture/index.ts';
import { loadNpz } from '../../lib/formats/npz.ts';
import { tensorMeta } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import { compile } from '../../lib/runtime/index.ts';
import type { Tensor } from '../../lib/tensor/index.ts';

/**
 * Networks that PyTorch exported, with the results it computed itself. Two libraries that sum float32 in different orders
 * agree to some units of 2^-24 of the largest intermediate value; these networks have some dozen layers.
 */
const tolerance = 1e-5;

interface Network {
  readonly path: string;
  /** What the file leaves open and the network does not: images have known sizes, and keys are as long as values. */
  readonly shapes?: LoadOnnxOptions['shapes'];
  /** Operators that the graph must hold, and as many of them. */
  readonly counts: Readonly<Record<string, number>>;
}

const networks: readonly Network[] = [
  {
    path: 'dynamo_20/bert',
    counts: { scaled_dot_product_attention: 2, layer_norm: 5, gelu: 2, linear: 13, embedding: 3 },
  },
  {
    path: 'torchscript_17/bert',
    counts: { scaled_dot_product_attention: 2, layer_norm: 5, gelu: 2, linear: 13, embedding: 3 },
  },
  {
    path: 'torchscript_17/unet_nearest',
    shapes: { x: [2, 3, 32, 32] },
    counts: { upsample_nearest2d: 2, conv2d: 13, group_norm: 5 },
  },
  {
    path: 'dynamo_20/llama',
    // The file calls the length of the keys s57 and that of the values s14.
    shapes: { past_v: ['s15', 2, 's57', 16] },
    counts: { scaled_dot_product_attention: 1, linear: 8, silu: 1 },
  },
  { path: 'dynamo_20/encoder', counts: { scaled_dot_product_attention: 2, layer_norm: 4, linear: 8 } },
];

const file = (path: string) => `test/fixtures/onnx/${path}.onnx`;

async function arraysOf(path: string) {
  const arrays = await loadNpz(`test/fixtures/onnx/${path}.npz`);
  const part = (prefix: string) =>
    Object.fromEntries(
      [...arrays].flatMap(([name, tensor]) =>
        name.startsWith(prefix) ? [[name.slice(prefix.length), tensor] as const] : [],
      ),
    );
  return { inputs: part('in:'), outputs: part('out:') };
}

/** The largest difference, relative to the largest element. */
function errorOf(actual: Tensor, expected: Tensor): number {
  const [a, b] = [actual.toArray(), expected.toArray()];
  const largest = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0) / largest;
}

describe('loadOnnx reads what PyTorch exported', () => {
  for (const { path, shapes, counts } of networks)
    it(path, async () => {
      const { inputs, outputs } = await arraysOf(path);
      const module = await loadOnnx(file(path), { shapes: shapes ?? {} });
      const found = module.graph.nodes.map(({ target }) => target.split('.')[1]);
      for (const [name, count] of Object.entries(counts))
        expect({ [name]: found.filter((each) => each === name).length }).toEqual({ [name]: count });
      using model = compile(lower(module).module);
      expect(model.inputs.map(({ name }) => name).sort()).toEqual(Object.keys(inputs).sort());
      expect(model.outputs.map(({ name }) => name).sort()).toEqual(Object.keys(outputs).sort());
      const results = await model.run(inputs);
      for (const [name, expected] of Object.entries(outputs)) {
        expect(results[name].shape).toEqual(expected.shape);
        expect(errorOf(results[name], expected)).toBeLessThan(tolerance);
      }
    });

  it('keeps named dimensions symbolic: other batches and lengths run, too', async () => {
    const module = await loadOnnx(file('dynamo_20/bert'));
    const [ids] = module.graph.placeholders;
    expect(String(tensorMeta(ids)?.shape)).toMatch(/^\w+,\w+$/);
    const { inputs, outputs } = await arraysOf('dynamo_20/bert');
    using model = compile(lower(module).module);
    // One sequence of the two, alone: its results must be the same.
    const first = Object.fromEntries(
      Object.entries(inputs).map(([name, { dtype, shape, data }]) => [
        name,
        { type: dtype, dims: [1, shape[1]], data: data.slice(0, shape[1]) },
      ]),
    );
    const results = await model.run(first);
    for (const [name, { data }] of Object.entries(outputs)) {
      const got = results[name].toArray();
      expect(got.length).toBe(data.length / 2);
      for (const [i, value] of got.entries()) expect(value).toBeCloseTo(Number(data[i]), 4);
    }
  });
});
