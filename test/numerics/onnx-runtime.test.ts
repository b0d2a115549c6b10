import * as onnxruntime from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { loadNpz } from '../../lib/formats/npz.ts';
import { exportModel, exportOnnx } from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { compareWithOnnxRuntime, computeSqnr, type OnnxRuntime } from '../../lib/numerics/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { uniform } from '../support/graph-builder.ts';

const fixture = (name: string) => new URL(`../fixtures/onnx/${name}`, import.meta.url).pathname;
const x = uniform([4, 6], -1, 1, 1);
const network = () =>
  exportOnnx(
    exportModel(new nn.Sequential(new nn.Linear(6, 5), new nn.ReLU(), new nn.Linear(5, 3)).eval(), { x }),
  );

/** ONNX Runtime that computes one value wrongly, and keeps what it gave instead. */
function distorting(name: string, given: Tensor[]): OnnxRuntime {
  return {
    Tensor: onnxruntime.Tensor,
    InferenceSession: {
      async create(model) {
        const session = await onnxruntime.InferenceSession.create(model);
        return {
          release: () => session.release(),
          async run(feeds) {
            const results = await session.run(feeds);
            const { data, dims } = results[name];
            const wrong = (data as Float32Array).map((value, i) => value + 0.1 * (i % 3));
            given.push(new Tensor('float32', wrong, dims));
            return { ...results, [name]: new onnxruntime.Tensor('float32', wrong, dims) };
          },
        };
      },
    },
  };
}

describe('compareWithOnnxRuntime', () => {
  it.each([
    ['torchscript_17/soup1', 40],
    ['dynamo_20/encoder', 30],
  ])('finds float32’s last bits in all values of %s', async (name, count) => {
    const arrays = await loadNpz(`${fixture(name)}.npz`);
    const inputs = Object.fromEntries(
      [...arrays].flatMap(([key, tensor]) => (key.startsWith('in:') ? [[key.slice(3), tensor]] : [])),
    );
    const found = await compareWithOnnxRuntime(`${fixture(name)}.onnx`, [inputs, inputs], onnxruntime);
    expect(found.size).toBeGreaterThan(count);
    // 24 bits are 144 dB; sums of some hundred terms in another order lose some of them.
    for (const { sqnr, opType, name: value } of found.values())
      expect(sqnr, `${value} of ${opType}`).toBeGreaterThan(100);
  });

  it('shows the node that is computed otherwise, and by how much', async () => {
    const bytes = network();
    const right = await compareWithOnnxRuntime(bytes, [x], onnxruntime);
    const names = [...right.keys()];
    expect([...right.values()].map(({ opType }) => opType)).toContain('Relu');
    for (const { sqnr } of right.values()) expect(sqnr).toBeGreaterThan(100);
    const relu = [...right.values()].find(({ opType }) => opType === 'Relu')!.name;
    const given: Tensor[] = [];
    const wrong = await compareWithOnnxRuntime(bytes, [x], distorting(relu, given));
    expect([...wrong.keys()]).toEqual(names);
    for (const [name, { sqnr }] of wrong) {
      if (name !== relu) expect(sqnr).toBe(right.get(name)!.sqnr);
      // The right values are those that were distorted by 0, 0.1 and 0.2.
      else {
        const values = given[0].toArray().map((value, i) => value - Math.fround(0.1 * (i % 3)));
        expect(sqnr).toBeCloseTo(computeSqnr(Tensor.from('float32', values, given[0].shape), given[0]), 3);
        expect(sqnr).toBeLessThan(30);
      }
    }
  });

  it('reports progress, and refuses what cannot be run', async () => {
    const bytes = network();
    const done: number[] = [];
    await compareWithOnnxRuntime(bytes, [x, x], onnxruntime, { onProgress: (count) => done.push(count) });
    expect(done).toEqual([1, 2]);
    await expect(compareWithOnnxRuntime(bytes, [], onnxruntime)).rejects.toThrow(
      'compareWithOnnxRuntime: there are no batches',
    );
    await expect(compareWithOnnxRuntime(bytes, x as never, onnxruntime)).rejects.toThrow(
      'a single batch is [batch]',
    );
    for (const runtime of [undefined, {}, { default: onnxruntime }])
      await expect(compareWithOnnxRuntime(bytes, [x], runtime as never)).rejects.toThrow(
        'compareWithOnnxRuntime: runtime must be the module onnxruntime-node',
      );
    await expect(compareWithOnnxRuntime(bytes, [x.view([6, 4])], onnxruntime)).rejects.toThrow(
      "compareWithOnnxRuntime: batch 0: input 'x'",
    );
    await expect(compareWithOnnxRuntime(bytes, [x], onnxruntime, { progress: 1 } as never)).rejects.toThrow(
      '"progress"',
    );
    const broken = x.clone();
    broken.data[0] = NaN;
    await expect(compareWithOnnxRuntime(bytes, [broken], onnxruntime)).rejects.toThrow(
      /batch 0: value '.*' of Gemm '.*': only finite numbers can be compared/,
    );
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(compareWithOnnxRuntime(bytes, [x], onnxruntime, { signal })).rejects.toThrow('enough');
  });
});
