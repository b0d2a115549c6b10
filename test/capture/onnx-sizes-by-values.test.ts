import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { exportOnnx, loadOnnx } from '../../lib/capture/index.ts';
import { Interpreter } from '../../lib/graph/index.ts';
import { compile } from '../../lib/runtime/index.ts';
import { type DType, Tensor } from '../../lib/tensor/index.ts';
import { uniform } from '../support/graph-builder.ts';
import { onnxModel, type TestModel, type TestNode } from '../support/onnx-model.ts';

const floats = (values: readonly number[], shape: readonly number[] = [values.length]) =>
  Tensor.from('float32', values, shape);
const whole = (values: readonly number[], shape: readonly number[] = [values.length]) =>
  Tensor.from('int64', values, shape);
const node = (
  op: string,
  inputs: string,
  outputs: string,
  attributes: TestNode['attributes'] = {},
): TestNode => ({ op, inputs: inputs.split(' '), outputs: outputs.split(' '), attributes });

const numbers = (data: unknown) => Array.from(data as ArrayLike<number | bigint>, Number);

/** Every result of every request as ONNX Runtime has it: node by node, compiled, and exported and loaded again. */
async function check(model: TestModel, requests: readonly Readonly<Record<string, Tensor>>[]) {
  const bytes = onnxModel(model);
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const module = await loadOnnx(bytes);
  const again = await loadOnnx(exportOnnx(module));
  using compiled = compile(module);
  for (const request of requests) {
    const feeds = Object.entries(request).map(([name, { dtype, data, shape }]) => [
      name,
      new OrtTensor(
        dtype as 'float32',
        (dtype === 'bool' ? new Uint8Array(data.buffer) : data) as Float32Array,
        shape,
      ),
    ]);
    const expected = Object.values(await session.run(Object.fromEntries(feeds)));
    const inputs = Object.values(request);
    const ways = {
      'node by node': new Interpreter(module, operators).run(inputs),
      compiled: Object.values(compiled.runSync(inputs)),
      'exported and loaded again': new Interpreter(again, operators).run(inputs),
    };
    for (const [way, results] of Object.entries(ways)) {
      expect(
        results.map(({ shape }) => shape),
        way,
      ).toEqual(expected.map(({ dims }) => dims));
      expect(
        results.map(({ data }) => numbers(data)),
        way,
      ).toEqual(expected.map(({ data }) => numbers(data)));
    }
  }
  await session.release();
  return module;
}

describe('NonZero', () => {
  it.each<[DType, readonly number[]]>([
    ['float32', [4, 5]],
    ['int64', [7]],
    ['bool', [2, 3, 4]],
    ['int32', [1]],
  ])('of %s %j', async (dtype, shape) => {
    const values = uniform(shape, -2, 2, 3)
      .toArray()
      .map((value) => Math.max(0, Math.round(Number(value))));
    const bits = dtype === 'bool' ? values.map((value) => Math.min(value, 1)) : values;
    await check(
      { opset: 13, inputs: { x: [dtype, shape] }, outputs: ['y'], nodes: [node('NonZero', 'x', 'y')] },
      [{ x: Tensor.from(dtype, bits, shape) }, { x: Tensor.zeros(dtype, shape) }],
    );
  });

  it('beside an input whose size is called as counts are', async () => {
    const module = await check(
      {
        opset: 13,
        inputs: { x: ['float32', ['u0']], y: ['float32', [1]] },
        outputs: ['z'],
        nodes: [
          node('NonZero', 'x', 'found'),
          node('Shape', 'found', 'shape'),
          node('Slice', 'shape one two', 'count'),
          node('Expand', 'y count', 'z'),
        ],
        initializers: { one: whole([1]), two: whole([2]) },
      },
      [{ x: floats([1, 0, 2, 0, 0, 3, 0, 0]), y: floats([7]) }],
    );
    expect([...module.rangeConstraints].map(([, { min }]) => min)).toEqual([1, 0]);
  });

  it('of one mask, found once', async () => {
    const module = await check(
      {
        opset: 13,
        inputs: { x: ['float32', [6]], y: ['float32', [6]] },
        outputs: ['z'],
        nodes: [
          node('Greater', 'x y', 'm'),
          ...['x', 'y'].flatMap((name) => [
            node('NonZero', 'm', `n${name}`),
            node('Transpose', `n${name}`, `t${name}`),
            node('GatherND', `${name} t${name}`, `g${name}`),
          ]),
          node('Mul', 'gx gy', 'z'),
        ],
      },
      [
        { x: uniform([6], -1, 1, 1), y: uniform([6], -1, 1, 2) },
        { x: floats([1, 1, 1, 1, 1, 1]), y: floats([2, 2, 2, 2, 2, 2]) },
      ],
    );
    expect(module.graph.nodes.filter(({ target }) => target === 'aten.nonzero.default')).toHaveLength(1);
    expect([...module.rangeConstraints]).toEqual([['u0', { min: 0, max: 6 }]]);
  });
});

describe('Compress', () => {
  it.each<[string, number | undefined, number]>([
    ['along an axis', 1, 4],
    ['along an axis from the end, by a short condition', -2, 2],
    ['of all elements', undefined, 12],
  ])('%s', async (_, axis, length) => {
    await check(
      {
        opset: 11,
        inputs: { x: ['float32', [3, 4]], c: ['bool', [length]] },
        outputs: ['y'],
        nodes: [node('Compress', 'x c', 'y', axis === undefined ? {} : { axis })],
      },
      [0, 1, 2].map((kind) => ({
        x: uniform([3, 4], -1, 1, 1),
        c: Tensor.from(
          'bool',
          Array.from({ length }, (__, i) => (kind === 0 ? 0 : kind === 1 ? 1 : i % 2)),
        ),
      })),
    );
  });
});

describe('what follows a count', () => {
  /** The `k` best of the scores above 0.5, with `k` at most 3, and what is computed of them. */
  it('the lesser of it and a number, for TopK; ranges, sums and the largest of what may be nothing', async () => {
    await check(
      {
        opset: 13,
        inputs: { x: ['float32', [8]] },
        outputs: ['values', 'places', 'largest', 'sum', 'steps', 'is_none'],
        initializers: {
          half: floats([0.5], []),
          three: whole([3]),
          zero: whole([0], []),
          one: whole([1], []),
        },
        nodes: [
          node('Greater', 'x half', 'm'),
          node('NonZero', 'm', 'n'),
          node('Transpose', 'n', 't'),
          node('GatherND', 'x t', 'g'),
          node('Shape', 'g', 'size'),
          node('Concat', 'size three', 'both', { axis: 0 }),
          node('ReduceMin', 'both', 'k', { keepdims: 1 }),
          node('TopK', 'g k', 'values places'),
          node('ReduceMax', 'g', 'most', { keepdims: 0 }),
          node('Max', 'most half', 'largest'),
          node('ReduceSum', 'g', 'sum', { keepdims: 0 }),
          node('Squeeze', 'size', 'count'),
          node('Range', 'zero count one', 'steps'),
          node('Equal', 'count zero', 'is_none'),
        ],
      },
      [
        { x: floats([0.1, 0.6, 0.9, 0.2, 0.7, 0.8, 0.3, 0.4]) },
        { x: floats([0.1, 0.6, 0.9, 0.2, 0, 0, 0, 0]) },
        { x: floats([0, 0, 0, 0, 0, 0, 0, 0]) },
      ],
    );
  });

  /** As torchvision's `batched_nms` is exported: nothing is done with no boxes. */
  it.each([true, false])('a branch for nothing (%s)', async (isThen) => {
    const none = {
      nodes: [{ ...node('Constant', '', 'nothing', { value: whole([], [0]) }), inputs: [] }],
      outputs: ['nothing'],
    };
    const some = {
      nodes: [node('Squeeze', 'n axis', 'all'), node('Add', 'all one', 'next')],
      outputs: ['next'],
    };
    await check(
      {
        opset: 13,
        inputs: { x: ['float32', [5]] },
        outputs: ['y'],
        initializers: { axis: whole([0]), one: whole([1], []), zero: whole([0], []) },
        nodes: [
          node('NonZero', 'x', 'n'),
          node('Shape', 'n', 's'),
          node('ReduceProd', 's', 'p', { keepdims: 0 }),
          node(isThen ? 'Equal' : 'Greater', 'p zero', 'c'),
          {
            ...node('If', 'c', 'y'),
            attributes: {
              then_branch: { graph: isThen ? none : some },
              else_branch: { graph: isThen ? some : none },
            },
          },
        ],
      },
      [{ x: floats([0, 1, 0, 2, 0]) }, { x: floats([0, 0, 0, 0, 0]) }, { x: floats([1, 1, 1, 1, 1]) }],
    );
  });

  it('boxes of all classes as YOLO exporters write them: chosen, gathered, with their scores', async () => {
    const model: TestModel = {
      opset: 13,
      inputs: { boxes: ['float32', [1, 40, 4]], scores: ['float32', [1, 3, 40]] },
      outputs: ['chosen', 'best', 'classes'],
      initializers: {
        most: whole([10]),
        iou: floats([0.4]),
        least: floats([0.3]),
        first: whole([0]),
        c1: whole([1], []),
        c2: whole([2], []),
      },
      nodes: [
        node('NonMaxSuppression', 'boxes scores most iou least', 'rows'),
        node('Gather', 'rows c1', 'classes', { axis: 1 }),
        node('Gather', 'rows c2', 'box', { axis: 1 }),
        node('Squeeze', 'boxes first', 'flat'),
        node('Gather', 'flat box', 'chosen', { axis: 0 }),
        node('GatherND', 'scores rows', 'best'),
      ],
    };
    await check(
      model,
      [0, 0.2, 1].map((high) => ({
        boxes: uniform([1, 40, 4], 0, 5, 1),
        scores: uniform([1, 3, 40], 0, high, 2),
      })),
    );
  });
});
