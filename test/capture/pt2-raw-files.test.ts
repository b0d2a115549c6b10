import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { loadPt2 } from '../../lib/capture/index.ts';
import { loadNpz } from '../../lib/formats/npz.ts';
import { type GraphModule, Interpreter } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import { compile } from '../../lib/runtime/index.ts';
import type { Tensor } from '../../lib/tensor/index.ts';

/** Files that PyTorch 2.14 wrote, each to have what few models have, with PyTorch's results. */
const folder = 'test/fixtures/pt2/raw';
const load = (name: string, model?: string) =>
  loadPt2(`${folder}/${name}.pt2`, model === undefined ? {} : { model });

/** The tensors of a run, `in0_0`, `in0_1`, ... */
async function tensorsOf(name: string, prefix: string): Promise<Tensor[]> {
  const arrays = await loadNpz(`${folder}/${name}.npz`);
  return [...arrays].filter(([key]) => key.startsWith(prefix)).map(([, tensor]) => tensor);
}

/** Holds a model against PyTorch, node by node and compiled. */
async function expectResults(module: GraphModule, inputs: readonly Tensor[], expected: readonly Tensor[]) {
  using model = compile(lower(module).module);
  for (const results of [
    new Interpreter(module, operators).run(inputs),
    Object.values(await model.run(inputs)),
  ]) {
    expect(results.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
    // Sums of at most 75 products below 1 in another order: some 1e-7.
    for (const [i, result] of results.entries())
      for (const [j, value] of result.toArray().entries())
        expect(value).toBeCloseTo(Number(expected[i].data[j]), 6);
  }
}

describe('a raw archive of PyTorch 2.14', () => {
  it('of views, tied weights, buffers of every dtype, and constants', async () => {
    const module = await load('views');
    const content = (name: string) => {
      const { dtype, shape, data } = module.attribute(name);
      return [dtype, shape, [...data]];
    };
    expect(content('slice')).toEqual(['float32', [4], [0.625, 0.75, 0.875, 1]]);
    const grid = (i: number) => ((i % 13) - 6) / 8;
    const turned = Array.from({ length: 24 }, (_, i) => grid(4 * (i % 6) + Math.floor(i / 6)));
    expect(content('turned')).toEqual(['float32', [4, 6], turned]);
    expect(content('repeated')).toEqual(['float32', [3], [0.5, 0.5, 0.5]]);
    // Stored with its channels last.
    expect(content('conv.weight')).toEqual([
      'float32',
      [8, 3, 3, 3],
      Array.from({ length: 216 }, (_, i) => grid(i)),
    ]);
    expect(content('scalar')).toEqual(['float32', [], [0.25]]);
    expect(content('empty')).toEqual(['float32', [0, 3], []]);
    // Two dtypes over one storage.
    expect(content('ints')).toEqual(['int32', [4], [4, 5, 6, 7]]);
    expect(content('bytes')).toEqual(['uint8', [4], [0, 0, 0, 0]]);
    expect(content('halves')).toEqual(['float16', [2], [0x3c00, 0xc100]]);
    expect(content('brains')).toEqual(['bfloat16', [2], [0x3f80, 0xc020]]);
    expect(content('flags')).toEqual(['bool', [2], [1, 0]]);
    expect(content('wide')).toEqual(['int64', [1], [2n ** 40n]]);
    expect(content('doubles')).toEqual(['float64', [2], [1e-300, 2]]);
    expect(content('words')).toEqual(['uint16', [2], [65535, 1]]);
    expect(content('small')).toEqual(['int8', [2], [-128, 127]]);
    expect(content('short')).toEqual(['int16', [1], [-300]]);
    expect(content('passing')).toEqual(['float32', [1], [2]]);
    expect(content('k')).toEqual(['float32', [1], [4]]);
    expect(content('lifted_tensor_0')).toEqual(['float32', [4], [0.5, 1, 1.5, 2]]);
    expect(module.attribute('fc1.weight')).toBe(module.attribute('fc2.weight'));
    const inputs = await tensorsOf('views', 'in0');
    expect(module.meta.exampleInputs).toEqual(inputs);
    await expectResults(module, inputs, await tensorsOf('views', 'out0'));
  });

  it('of keyword arguments in tuples and dicts, and of arguments that are constants', async () => {
    const module = await load('kwargs');
    const inputs = await tensorsOf('kwargs', 'in0');
    expect(module.meta.exampleInputs).toEqual(inputs);
    await expectResults(module, inputs, await tensorsOf('kwargs', 'out0'));
  });

  it('of sizes that are computed from the batch', async () => {
    const module = await load('arith');
    for (const run of [0, 1])
      await expectResults(
        module,
        await tensorsOf('arith', `in${run}`),
        await tensorsOf('arith', `out${run}`),
      );
  });

  it('of a model in training mode, as in evaluation mode', async () => {
    const module = await load('train');
    const targets = module.graph.nodes.map(({ target }) => target);
    expect(targets).toContain('aten.batch_norm.default');
    expect(targets).not.toContain('aten.add_.Tensor');
    await expectResults(module, await tensorsOf('train', 'in0'), await tensorsOf('train', 'out0'));
  });

  it('of two models by their names', async () => {
    await expect(load('two')).rejects.toThrow("there are several models, 'first', 'second'");
    const inputs = await tensorsOf('two', 'in0');
    for (const name of ['first', 'second'])
      await expectResults(await load('two', name), inputs, await tensorsOf('two', name));
  });

  it('of a tensor subclass is refused by its name', async () => {
    await expect(load('subclass')).rejects.toThrow(
      '$.config.weight is a pickled tensor subclass, which is never loaded; only plain tensors are supported',
    );
  });

  it('of fake tensors is one of zeros', async () => {
    const module = await load('fake');
    expect(module.attribute('weight').toArray()).toEqual(Array(24).fill(0));
  });
});
