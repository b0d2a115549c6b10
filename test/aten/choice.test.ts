import { readFileSync } from 'node:fs';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { loadOnnx } from '../../lib/capture/index.ts';
import { type GraphModule, Interpreter } from '../../lib/graph/index.ts';
import { compile } from '../../lib/runtime/index.ts';
import { type DType, Tensor } from '../../lib/tensor/index.ts';
import { GraphBuilder, random, uniform } from '../support/graph-builder.ts';
import { onnxModel } from '../support/onnx-model.ts';

/** The one result of a graph, node by node and compiled; both have to be the same. */
async function resultOf(module: GraphModule, inputs: readonly Tensor[]): Promise<Tensor> {
  const [expected] = new Interpreter(module, operators).run(inputs);
  using model = compile(module, { streams: 1, threadsPerStream: 2 });
  for (const results of [model.runSync(inputs), await model.run(inputs)]) {
    const [result] = Object.values(results);
    expect(result.shape).toEqual(expected.shape);
    expect(result.toArray()).toEqual(expected.toArray());
    expect(result.data.byteLength).toBe(result.data.buffer.byteLength);
  }
  return expected;
}

describe('aten.nonzero', () => {
  const nonzero = (dtype: DType, shape: readonly number[]) => {
    const b = new GraphBuilder();
    return b.finish(b.call('aten.nonzero.default', b.input('x', shape, dtype)));
  };

  /** Row-major indices of elements that are not 0, in another way than the kernel's. */
  function reference({ shape, data }: Tensor): number[][] {
    const isSet = (value: number | bigint) => Number(value) !== 0;
    return Array.from(data as ArrayLike<number | bigint>).flatMap((value, at) => {
      if (!isSet(value)) return [];
      const index: number[] = [];
      let rest = at;
      for (const extent of shape.toReversed()) {
        index.unshift(rest % extent);
        rest = Math.floor(rest / extent);
      }
      return [index];
    });
  }

  it.each<[DType, readonly number[]]>([
    ['float32', [7]],
    ['float32', [3, 5]],
    ['float64', [2, 3, 4]],
    ['bool', [4, 9]],
    ['uint8', [130]],
    ['int8', [2, 1, 2, 3, 5]],
    ['int16', [3, 3]],
    ['int32', [5, 2]],
    ['int64', [1, 6]],
    ['float32', []],
    ['int64', []],
  ])('%s %j', async (dtype, shape) => {
    const next = random(shape.length + 1);
    const count = shape.reduce((a, b) => a * b, 1);
    for (const share of [0.4, 0, 1]) {
      const values = Array.from({ length: count }, () => (next() < share ? 1 + Math.floor(3 * next()) : 0));
      const x = Tensor.from(dtype, dtype === 'bool' ? values.map((value) => value && 1) : values, shape);
      const result = await resultOf(nonzero(dtype, shape), [x]);
      expect(result.dtype).toBe('int64');
      expect(result.shape).toEqual([reference(x).length, shape.length]);
      expect(result.toArray().map(Number)).toEqual(reference(x).flat());
    }
  });

  it('NaN is not zero, -0 is, also in 16 bits', async () => {
    const x = Tensor.from('float32', [Number.NaN, -0, 0, 1e-40, Number.NEGATIVE_INFINITY], [5]);
    expect((await resultOf(nonzero('float32', [5]), [x])).toArray().map(Number)).toEqual([0, 3, 4]);
    const halves = new Tensor('bfloat16', Uint16Array.of(0x7fc0, 0x8000, 0, 1, 0xff80), [5]);
    expect((await resultOf(nonzero('bfloat16', [5]), [halves])).toArray().map(Number)).toEqual([0, 3, 4]);
  });

  it('reads tensors in any order of memory', async () => {
    const b = new GraphBuilder();
    const turned = b.call('aten.transpose.int', b.input('x', [3, 4]), 0, 1);
    const module = b.finish(b.call('aten.nonzero.default', turned));
    const x = Tensor.from('float32', [0, 1, 0, 0, 2, 0, 0, 3, 0, 0, 4, 0], [3, 4]);
    const result = await resultOf(module, [x]);
    expect(result.toArray().map(Number)).toEqual([0, 1, 1, 0, 2, 2, 3, 1]);
  });
});

describe('torchvision.nms', () => {
  const { runs } = JSON.parse(
    readFileSync(new URL('../fixtures/aten/nms.json', import.meta.url), 'utf8'),
  ) as {
    readonly runs: readonly {
      readonly boxes: readonly (number | string)[];
      readonly scores: readonly (number | string)[];
      readonly chosen: Readonly<Record<string, readonly number[]>>;
    }[];
  };
  const numberOf = (value: number | string) =>
    typeof value === 'number' ? value : Number(value.replace('inf', 'Infinity'));
  const tensor = (values: readonly (number | string)[], shape: readonly number[]) =>
    Tensor.from('float32', values.map(numberOf), shape);

  it.each(runs.map((run, i) => [i, run.scores.length, run] as const))(
    'run %i: chooses the same of %i boxes as torchvision, in the same order',
    async (_, count, { boxes, scores, chosen }) => {
      for (const [threshold, indices] of Object.entries(chosen)) {
        const b = new GraphBuilder();
        const given = [b.input('boxes', [count, 4]), b.input('scores', [count])];
        const module = b.finish(b.call('torchvision.nms.default', ...given, Number(threshold)));
        const inputs = [tensor(boxes, [count, 4]), tensor(scores, [count])];
        const [result] = new Interpreter(module, operators).run(inputs);
        expect(result.toArray().map(Number), `threshold ${threshold}`).toEqual(indices);
        if (count > 0) await resultOf(module, inputs);
      }
    },
  );

  it('refuses other shapes and dtypes, and says which', () => {
    const call = (boxes: readonly number[], scores: readonly number[], dtype: DType = 'float32') => {
      const b = new GraphBuilder();
      const given = [b.input('boxes', boxes, dtype), b.input('scores', scores)];
      return () => compile(b.finish(b.call('torchvision.nms.default', ...given, 0.5)));
    };
    expect(call([5, 3], [5])).toThrow(/dets must be float32\[N, 4\], got float32\[5, 3\]/);
    expect(call([5, 4], [6])).toThrow(/scores must be float32\[5\], got float32\[6\]/);
    expect(call([5, 4], [5], 'float64')).toThrow(/dets must be float32\[N, 4\], got float64\[5, 4\]/);
  });
});

describe('NonMaxSuppression, beside ONNX Runtime', () => {
  interface Problem {
    readonly shape: readonly [batch: number, classes: number, boxes: number];
    readonly most?: number;
    readonly iou?: number;
    readonly score?: number;
    readonly center?: boolean;
    /** What is done to the scores, to the boxes. */
    readonly scores?: (value: number, i: number) => number;
    readonly boxes?: (value: number, i: number) => number;
    readonly opset?: number;
  }

  async function check(problem: Problem): Promise<number> {
    const { shape, most, iou, score, center = false, opset = 11 } = problem;
    const [batch, , count] = shape;
    const numbers = { most, iou, score };
    const initializers = Object.fromEntries(
      Object.entries(numbers).flatMap(([name, value]) =>
        value === undefined
          ? []
          : [[name, Tensor.from(name === 'most' ? 'int64' : 'float32', [value], [1])] as const],
      ),
    );
    const inputs = ['boxes', 'scores', ...['most', 'iou', 'score'].map((n) => (n in initializers ? n : ''))];
    while (inputs.at(-1) === '') inputs.pop();
    const bytes = onnxModel({
      opset,
      inputs: { boxes: ['float32', [batch, count, 4]], scores: ['float32', shape] },
      outputs: ['y'],
      nodes: [
        {
          op: 'NonMaxSuppression',
          inputs,
          outputs: ['y'],
          attributes: center ? { center_point_box: 1 } : {},
        },
      ],
      initializers,
    });
    const raw = uniform([batch, count, 4], 0, 4, 7).toArray().map(Number);
    const placed = raw.map((value, i) => (i % 4 < 2 || center ? value : value + Math.floor(i / 8) / count));
    const boxes = Tensor.from('float32', problem.boxes ? placed.map(problem.boxes) : placed, [
      batch,
      count,
      4,
    ]);
    const marks = uniform(shape, 0, 1, 8).toArray().map(Number);
    const scores = Tensor.from('float32', problem.scores ? marks.map(problem.scores) : marks, shape);
    const session = await InferenceSession.create(bytes, { logSeverityLevel: 3 });
    const { y } = await session.run({
      boxes: new OrtTensor('float32', boxes.data as Float32Array, boxes.shape),
      scores: new OrtTensor('float32', scores.data as Float32Array, scores.shape),
    });
    await session.release();
    const result = await resultOf(await loadOnnx(bytes), [boxes, scores]);
    expect(result.shape).toEqual(y.dims);
    expect(result.toArray().map(Number)).toEqual(Array.from(y.data as BigInt64Array, Number));
    return result.shape[0];
  }

  const quarters = (value: number) => Math.round(4 * value) / 4;

  it.each<[string, Problem]>([
    ['one class', { shape: [1, 1, 30], most: 30, iou: 0.4 }],
    ['operator set 10', { shape: [1, 1, 30], most: 30, iou: 0.4, opset: 10 }],
    ['every class of every image', { shape: [3, 4, 25], most: 9, iou: 0.3, score: 0.2 }],
    ['centers', { shape: [2, 2, 40], most: 40, iou: 0.25, score: 0.1, center: true }],
    ['equal scores', { shape: [2, 3, 60], most: 60, iou: 0.5, scores: quarters }],
    ['all scores equal', { shape: [1, 2, 40], most: 40, iou: 0.5, scores: () => 0.5 }],
    ['more than are sorted at once', { shape: [1, 1, 3000], most: 3000, iou: 0.6, scores: quarters }],
    ['the best few of many', { shape: [1, 2, 3000], most: 5, iou: 0.2 }],
    [
      'a threshold that scores are equal to',
      { shape: [1, 1, 40], most: 40, iou: 0.5, score: 0.5, scores: quarters },
    ],
    [
      'boxes without an area',
      { shape: [1, 1, 40], most: 40, iou: 0.1, boxes: (v, i) => (i % 16 < 4 ? 1 : v) },
    ],
    [
      'corners the other way round',
      { shape: [1, 1, 40], most: 40, iou: 0.3, boxes: (v, i) => (i % 4 < 2 ? 4 - v : v) },
    ],
    ['boxes that are the same', { shape: [1, 2, 20], most: 20, iou: 0.99, boxes: (_, i) => 1 + (i % 4) }],
    ['overlap of a whole', { shape: [1, 1, 20], most: 20, iou: 1, boxes: (_, i) => 1 + (i % 4) }],
    ['overlap of 0', { shape: [1, 1, 40], most: 40, iou: 0 }],
    [
      'negative widths',
      { shape: [1, 1, 40], most: 40, iou: 0.2, center: true, boxes: (v, i) => (i % 8 === 2 ? -v : v) },
    ],
    [
      'NaN among scores, with a threshold',
      { shape: [1, 2, 40], most: 40, iou: 0.4, score: 0.1, scores: (v, i) => (i % 5 === 0 ? Number.NaN : v) },
    ],
    [
      'infinite scores',
      {
        shape: [1, 1, 40],
        most: 40,
        iou: 0.4,
        scores: (v, i) => (i % 7 === 0 ? -1 / 0 : i % 11 === 0 ? 1 / 0 : v),
      },
    ],
    [
      'NaN in boxes',
      { shape: [1, 1, 30], most: 30, iou: 0.4, boxes: (v, i) => (i % 23 === 0 ? Number.NaN : v) },
    ],
    ['without thresholds', { shape: [1, 1, 20], most: 20 }],
    ['one box', { shape: [1, 1, 1], most: 3, iou: 0.5 }],
  ])('%s', async (_, problem) => {
    expect(await check(problem)).toBeGreaterThan(0);
  });

  it.each<[string, Problem]>([
    ['at most 0', { shape: [2, 2, 9], most: 0, iou: 0.5 }],
    ['a negative number', { shape: [2, 2, 9], most: -1, iou: 0.5 }],
    ['no number', { shape: [2, 2, 9] }],
    ['no score above the threshold', { shape: [2, 2, 9], most: 9, iou: 0.5, score: 2 }],
  ])('chooses nothing: %s', async (_, problem) => {
    expect(await check(problem)).toBe(0);
  });

  it('puts boxes with NaN as their score last, without a threshold', async () => {
    const b = new GraphBuilder();
    const numbers = ['most', 'iou'].map((name, i) =>
      b.constant(name, i === 0 ? Tensor.scalar('int64', 9) : Tensor.scalar('float32', 0.5)),
    );
    const given = [b.input('boxes', [1, 3, 4]), b.input('scores', [1, 1, 3]), ...numbers];
    const module = b.finish(b.call('octavo.non_max_suppression.default', ...given, null, false, 9));
    const boxes = Tensor.from('float32', [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5], [1, 3, 4]);
    const scores = Tensor.from('float32', [Number.NaN, -1, 2], [1, 1, 3]);
    const result = await resultOf(module, [boxes, scores]);
    expect(result.toArray().map(Number)).toEqual([0, 0, 2, 0, 0, 1, 0, 0, 0]);
  });

  it('accepts thresholds as inputs, and refuses an overlap beyond 1 when it comes', async () => {
    const bytes = onnxModel({
      opset: 11,
      inputs: {
        boxes: ['float32', [1, 20, 4]],
        scores: ['float32', [1, 1, 20]],
        most: ['int64', [1]],
        iou: ['float32', [1]],
        score: ['float32', [1]],
      },
      outputs: ['y'],
      nodes: [
        { op: 'NonMaxSuppression', inputs: ['boxes', 'scores', 'most', 'iou', 'score'], outputs: ['y'] },
      ],
    });
    const session = await InferenceSession.create(bytes, { logSeverityLevel: 3 });
    using model = compile(await loadOnnx(bytes));
    const [boxes, scores] = [uniform([1, 20, 4], 0, 4, 1), uniform([1, 1, 20], 0, 1, 2)];
    const counts = new Set<number>();
    for (const [most, iou, score] of [
      [20, 0.5, 0],
      [2, 0.5, 0],
      [20, 0.1, 0.5],
      [20, 0.5, 1],
    ]) {
      const given = {
        boxes,
        scores,
        most: Tensor.from('int64', [most]),
        iou: Tensor.from('float32', [iou]),
        score: Tensor.from('float32', [score]),
      };
      const { y } = await session.run(
        Object.fromEntries(
          Object.entries(given).map(([name, { dtype, data, shape }]) => [
            name,
            new OrtTensor(dtype as 'float32', data as Float32Array, shape),
          ]),
        ),
      );
      const { y: result } = await model.run(given);
      expect(result.toArray().map(Number)).toEqual(Array.from(y.data as BigInt64Array, Number));
      counts.add(result.shape[0]);
    }
    expect(counts.size).toBeGreaterThan(2);
    await session.release();
    const beyond = { most: Tensor.from('int64', [9]), score: Tensor.from('float32', [0]) };
    await expect(model.run({ boxes, scores, ...beyond, iou: Tensor.from('float32', [1.5]) })).rejects.toThrow(
      /threshold of the overlap must be from 0 to 1, not 1\.5/,
    );
  });
});
