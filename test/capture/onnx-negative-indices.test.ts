import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { exportOnnx, loadOnnx } from '../../lib/capture/index.ts';
import { Interpreter } from '../../lib/graph/index.ts';
import { compile } from '../../lib/runtime/index.ts';
import { type DType, Tensor } from '../../lib/tensor/index.ts';
import { onnxModel, randomTensor, type TestModel } from '../support/onnx-model.ts';

const shape = [3, 4, 2];
const data = randomTensor(shape, 5);

/** Indices that a request brings, for `x` of [3, 4, 2]. */
interface Case {
  readonly indices: readonly [dtype: DType, values: readonly number[], shape: readonly number[]];
  readonly attributes?: Readonly<Record<string, number>>;
  /** As many updates as indices. */
  readonly writes?: boolean;
}

const each: Case['indices'] = ['int64', [-1, 0, -4, 3, 2, -2], [3, 2, 1]];
const cases: Readonly<Record<string, Case>> = {
  Gather: { indices: ['int64', [-1, 0, -4, 3], [2, 2]], attributes: { axis: 1 } },
  GatherElements: { indices: each, attributes: { axis: 1 } },
  GatherND: { indices: ['int64', [-1, -4, 0, 3], [2, 2]] },
  ScatterElements: { indices: each, attributes: { axis: 1 }, writes: true },
};

function modelOf(
  op: string,
  { indices, attributes, writes }: Case,
  sizes: readonly (number | string)[],
): TestModel {
  const [dtype, , places] = indices;
  return {
    opset: 13,
    inputs: {
      x: ['float32', sizes],
      i: [dtype, places],
      ...(writes ? { u: ['float32', places] } : {}),
    },
    outputs: ['y'],
    nodes: [
      { op, inputs: ['x', 'i', ...(writes ? ['u'] : [])], outputs: ['y'], attributes: attributes ?? {} },
    ],
  };
}

describe('indices of a request, some of them from the end', () => {
  const all = Object.entries(cases).flatMap(([op, one]) =>
    (['int64', 'int32'] as const).flatMap((dtype) =>
      [shape, ['a', 'b', 2]].map((sizes) => {
        const [, values, places] = one.indices;
        return [op, dtype, sizes, { ...one, indices: [dtype, values, places] }] as const;
      }),
    ),
  );
  // ONNX has no GatherND of int32.
  const known = all.filter(([op, dtype]) => op !== 'GatherND' || dtype === 'int64');
  it.each(known)('%s of %s from %j has the elements of ONNX Runtime', async (op, dtype, sizes, one) => {
    const bytes = onnxModel(modelOf(op, one, sizes));
    const [, values, places] = one.indices;
    const updates = randomTensor(places, 6);
    const inputs = [data, Tensor.from(dtype, values, places), ...(one.writes ? [updates] : [])];
    const session = await InferenceSession.create(bytes, { logSeverityLevel: 3 });
    const feeds = inputs.map((tensor, k) => [
      ['x', 'i', 'u'][k],
      new OrtTensor(tensor.dtype as 'float32', tensor.data as Float32Array, tensor.shape),
    ]);
    const { y } = await session.run(Object.fromEntries(feeds));
    const module = await loadOnnx(bytes);
    const again = await loadOnnx(exportOnnx(module));
    using compiled = compile(module);
    for (const [result] of [
      new Interpreter(module, operators).run(inputs),
      Object.values(compiled.runSync(inputs)),
      new Interpreter(again, operators).run(inputs),
    ]) {
      expect(result.shape).toEqual(y.dims);
      expect(result.data).toEqual(y.data);
    }
    await session.release();
  });

  it('are not moved twice where a file is written again', async () => {
    const bytes = onnxModel(modelOf('GatherElements', cases.GatherElements, shape));
    const module = await loadOnnx(exportOnnx(await loadOnnx(bytes)));
    expect(module.graph.nodes.filter(({ target }) => target === 'aten.where.self')).toHaveLength(1);
  });
});
