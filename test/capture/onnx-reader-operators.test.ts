import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { loadOnnx } from '../../lib/capture/index.ts';
import { Interpreter } from '../../lib/graph/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { onnxModel, randomTensor, type TestAttribute, type TestNode } from '../support/onnx-model.ts';

/** One node on an input `x`, or several nodes that end in `y`; each form of an operator in the operator set that has it. */
interface Case {
  readonly opset: number;
  readonly shape: readonly number[];
  readonly nodes: readonly TestNode[];
  readonly initializers?: Readonly<Record<string, Tensor>>;
}

const ints = (...values: number[]) => Tensor.from('int64', values);
const floats = (...values: number[]) => Tensor.from('float32', values);
const scalar = (value: number) => Tensor.scalar('float32', value);

function one(
  opset: number,
  op: string,
  shape: readonly number[],
  attributes: Readonly<Record<string, TestAttribute>> = {},
  constants: readonly (Tensor | null)[] = [],
): Case {
  const names = constants.map((tensor, i) => (tensor ? `c${i}` : ''));
  const initializers = Object.fromEntries(
    constants.flatMap((tensor, i) => (tensor ? [[`c${i}`, tensor]] : [])),
  );
  return { opset, shape, nodes: [{ op, inputs: ['x', ...names], outputs: ['y'], attributes }], initializers };
}

/** Where the maxima are, as floats: whole numbers that float32 holds. */
const positions = (shape: readonly number[], attributes: Readonly<Record<string, TestAttribute>>): Case => ({
  opset: 13,
  shape,
  nodes: [
    { op: 'MaxPool', inputs: ['x'], outputs: ['v', 'i'], attributes },
    { op: 'Cast', inputs: ['i'], outputs: ['y'], attributes: { to: 1 } },
  ],
});

const image = [2, 4, 9, 7];
const weight = (...shape: number[]) => randomTensor(shape, 3);

const cases: Readonly<Record<string, Case>> = {
  'Conv, pads that differ': one(13, 'Conv', image, { pads: [1, 0, 2, 1], strides: [2, 1] }, [
    weight(6, 4, 3, 3),
  ]),
  'Conv, SAME_UPPER with stride': one(13, 'Conv', image, { auto_pad: 'SAME_UPPER', strides: [2, 2] }, [
    weight(6, 4, 3, 2),
    weight(6),
  ]),
  'Conv, SAME_LOWER': one(13, 'Conv', image, { auto_pad: 'SAME_LOWER' }, [weight(6, 4, 2, 2)]),
  'Conv, grouped and dilated': one(13, 'Conv', image, { group: 2, dilations: [2, 1], pads: [2, 1, 2, 1] }, [
    weight(6, 2, 3, 3),
    weight(6),
  ]),
  'Conv of a signal': one(13, 'Conv', [2, 4, 9], { pads: [1, 1] }, [weight(6, 4, 3)]),
  'MaxPool, rounded up, pads that differ': one(13, 'MaxPool', image, {
    kernel_shape: [3, 2],
    strides: [2, 2],
    pads: [1, 0, 0, 1],
    ceil_mode: 1,
  }),
  'MaxPool of a volume': one(13, 'MaxPool', [2, 3, 5, 6, 4], { kernel_shape: [2, 3, 2], strides: [2, 1, 2] }),
  'AveragePool of a volume': one(13, 'AveragePool', [2, 3, 5, 6, 4], { kernel_shape: [2, 3, 2] }),
  'Einsum of two matrices': one(13, 'Einsum', [2, 3, 4], { equation: 'bij,jk->bki' }, [weight(4, 5)]),
  'LSTM of both directions': one(14, 'LSTM', [5, 2, 4], { hidden_size: 3, direction: 'bidirectional' }, [
    weight(2, 12, 4),
    weight(2, 12, 3),
    weight(2, 24),
  ]),
  GRU: one(14, 'GRU', [5, 2, 4], { hidden_size: 3, linear_before_reset: 1 }, [
    weight(1, 9, 4),
    weight(1, 9, 3),
    weight(1, 18),
  ]),
  'GRU that resets the state before its product, of both directions': one(
    14,
    'GRU',
    [5, 3, 4],
    { hidden_size: 3, direction: 'bidirectional' },
    [weight(2, 9, 4), weight(2, 9, 3), weight(2, 18), Tensor.from('int32', [5, 2, 4]), weight(2, 3, 3)],
  ),
  'GRU that resets the state first, without biases': one(14, 'GRU', [4, 2, 4], { hidden_size: 3 }, [
    weight(1, 9, 4),
    weight(1, 9, 3),
  ]),
  'positions of MaxPool': positions(image, { kernel_shape: [3, 2], strides: [2, 2], pads: [1, 1, 1, 1] }),
  'positions of MaxPool, pads that differ': positions(image, {
    kernel_shape: [3, 2],
    strides: [2, 2],
    pads: [2, 0, 0, 1],
  }),
  'positions of MaxPool in columns': positions(image, {
    kernel_shape: [3, 2],
    pads: [1, 0, 1, 0],
    storage_order: 1,
  }),
  'positions of MaxPool of a volume': positions([2, 3, 5, 6, 4], {
    kernel_shape: [2, 3, 2],
    strides: [2, 1, 2],
    pads: [0, 1, 1, 1, 1, 0],
  }),
  'ConvTranspose with output padding': one(
    13,
    'ConvTranspose',
    image,
    { strides: [2, 3], pads: [1, 0, 1, 0], output_padding: [1, 2], group: 2 },
    [weight(4, 3, 3, 3), weight(6)],
  ),
  'MaxPool, dilated': one(13, 'MaxPool', image, { kernel_shape: [2, 2], dilations: [2, 3] }),
  'MaxPool, SAME_UPPER': one(13, 'MaxPool', image, {
    kernel_shape: [3, 3],
    strides: [2, 2],
    auto_pad: 'SAME_UPPER',
  }),
  'AveragePool, pads that differ, not counted': one(13, 'AveragePool', image, {
    kernel_shape: [3, 3],
    strides: [2, 2],
    pads: [0, 0, 1, 1],
  }),
  'AveragePool, pads that differ, counted': one(13, 'AveragePool', image, {
    kernel_shape: [3, 3],
    strides: [2, 2],
    pads: [0, 1, 1, 1],
    count_include_pad: 1,
  }),
  'AveragePool, rounded up': one(22, 'AveragePool', image, {
    kernel_shape: [2, 2],
    strides: [2, 2],
    ceil_mode: 1,
  }),
  'AveragePool, dilated': one(19, 'AveragePool', image, { kernel_shape: [2, 2], dilations: [2, 2] }),
  'GlobalAveragePool of a signal': one(13, 'GlobalAveragePool', [2, 4, 9]),
  GlobalMaxPool: one(13, 'GlobalMaxPool', image),
  LpPool: one(18, 'LpPool', image, { kernel_shape: [2, 2], p: 2 }),
  LRN: one(13, 'LRN', image, { size: 3, alpha: { float: 0.5 }, beta: { float: 0.75 }, bias: { float: 2 } }),
  'Gemm, both transposed, with factors': one(
    13,
    'Gemm',
    [5, 3],
    { transA: 1, transB: 1, alpha: { float: 0.5 }, beta: { float: 2 } },
    [weight(4, 5), weight(3, 1)],
  ),
  'Gemm, a layer': one(13, 'Gemm', [3, 5], { transB: 1 }, [weight(4, 5), weight(4)]),
  'Gemm without an addend': one(11, 'Gemm', [3, 5], {}, [weight(5, 4)]),
  'MatMul with a constant matrix': one(13, 'MatMul', [2, 3, 5], {}, [weight(5, 4)]),
  'MatMul of batches': one(13, 'MatMul', [2, 3, 5], {}, [weight(2, 5, 4)]),
  BatchNormalization: one(9, 'BatchNormalization', image, { epsilon: { float: 0.01 } }, [
    weight(4),
    weight(4),
    weight(4),
    floats(1, 2, 3, 4),
  ]),
  InstanceNormalization: one(6, 'InstanceNormalization', image, {}, [weight(4), weight(4)]),
  'GroupNormalization of channels': one(21, 'GroupNormalization', image, { num_groups: 2 }, [
    weight(4),
    weight(4),
  ]),
  'LayerNormalization over two axes': one(17, 'LayerNormalization', image, { axis: -2 }, [
    weight(9, 7),
    weight(9, 7),
  ]),
  'Softmax of matrices': one(11, 'Softmax', [2, 3, 4], {}),
  'Softmax, negative axis': one(11, 'Softmax', [2, 3, 4], { axis: -2 }),
  'Softmax of an axis': one(13, 'Softmax', [2, 3, 4], { axis: 1 }),
  'LogSoftmax of matrices': one(11, 'LogSoftmax', [2, 3, 4], { axis: 1 }),
  'Clip by attributes': one(6, 'Clip', image, { min: { float: -0.5 }, max: { float: 0.25 } }),
  'Clip by inputs, one left out': one(13, 'Clip', image, {}, [null, scalar(0.25)]),
  HardSigmoid: one(13, 'HardSigmoid', image),
  'HardSigmoid of a sixth': one(13, 'HardSigmoid', image, {
    alpha: { float: 0.1666667 },
    beta: { float: 0.5 },
  }),
  Selu: one(13, 'Selu', image),
  Celu: one(13, 'Celu', image, { alpha: { float: 2 } }),
  Softsign: one(13, 'Softsign', image),
  'PRelu of channels': one(13, 'PRelu', image, {}, [weight(4, 1, 1)]),
  'PRelu of one slope': one(13, 'PRelu', image, {}, [floats(0.25)]),
  'Sub from a number': {
    ...one(13, 'Sub', image),
    nodes: [{ op: 'Sub', inputs: ['c', 'x'], outputs: ['y'] }],
    initializers: { c: scalar(2) },
  },
  'Div of a number': {
    ...one(13, 'Div', image),
    nodes: [{ op: 'Div', inputs: ['c', 'x'], outputs: ['y'] }],
    initializers: { c: scalar(1) },
  },
  'Max of three': one(13, 'Max', [2, 3], {}, [weight(3), weight(2, 1)]),
  'Mean of three': one(13, 'Mean', [2, 3], {}, [weight(3), weight(2, 1)]),
  'Pow by a constant': one(13, 'Pow', image, {}, [scalar(2)]),
  'Reshape, 0 and -1': one(13, 'Reshape', image, {}, [ints(0, -1, 7)]),
  'Flatten at 0': one(13, 'Flatten', image, { axis: 0 }),
  'Flatten from the end': one(13, 'Flatten', image, { axis: -1 }),
  'Transpose without an order': one(13, 'Transpose', [2, 3, 4]),
  'Squeeze by attribute': one(11, 'Squeeze', [2, 1, 3, 1], { axes: [1] }),
  'Squeeze of all': one(13, 'Squeeze', [2, 1, 3, 1]),
  'Unsqueeze, from the end': one(13, 'Unsqueeze', [2, 3], {}, [ints(-1, 0)]),
  'Concat of the same': {
    ...one(13, 'Concat', [2, 3]),
    nodes: [{ op: 'Concat', inputs: ['x', 'c', 'x'], outputs: ['y'], attributes: { axis: -1 } }],
    initializers: { c: weight(2, 2) },
  },
  'Slice by attributes': one(9, 'Slice', image, {
    starts: [1, -3],
    ends: [2 ** 62, 2147483647],
    axes: [1, 3],
  }),
  'Slice by inputs, with steps': one(13, 'Slice', image, {}, [
    ints(-(2 ** 63), 1),
    ints(2147483647, -1),
    ints(2, 3),
    ints(2, 3),
  ]),
  'Pad by attributes': one(2, 'Pad', image, { pads: [0, 0, 1, 2, 0, 1, 0, 3], value: { float: 1.5 } }),
  'Pad, negative': one(13, 'Pad', image, {}, [ints(0, 0, -1, 2, 0, 0, -2, 0), scalar(-1)]),
  'Pad of axes': one(18, 'Pad', image, {}, [ints(1, 2), null, ints(-1)]),
  'Expand both ways': one(13, 'Expand', [3, 1], {}, [ints(2, 1, 4)]),
  Tile: one(13, 'Tile', [2, 3], {}, [ints(2, 3)]),
  'DepthToSpace, DCR': one(13, 'DepthToSpace', [2, 8, 3, 2], { blocksize: 2 }),
  'DepthToSpace, CRD': one(13, 'DepthToSpace', [2, 8, 3, 2], { blocksize: 2, mode: 'CRD' }),
  SpaceToDepth: one(13, 'SpaceToDepth', [2, 2, 4, 6], { blocksize: 2 }),
  'ReduceMean by attributes': one(13, 'ReduceMean', image, { axes: [-1, 1], keepdims: 0 }),
  'ReduceMean by inputs': one(18, 'ReduceMean', image, {}, [ints(2, 3)]),
  'ReduceSum of all': one(13, 'ReduceSum', image, { keepdims: 0 }),
  ReduceL1: one(13, 'ReduceL1', image, { axes: [1] }),
  ReduceL2: one(13, 'ReduceL2', image, { axes: [1] }),
  ReduceMax: one(13, 'ReduceMax', image, { axes: [1, 2], keepdims: 0 }),
  ReduceLogSumExp: one(13, 'ReduceLogSumExp', image, { axes: [1], keepdims: 0 }),
  'Gather of one, from the end': one(13, 'Gather', image, { axis: 1 }, [Tensor.scalar('int64', -1)]),
  'Gather of a run': one(13, 'Gather', image, { axis: 2 }, [ints(2, 3, 4)]),
  'Gather of a list': one(13, 'Gather', image, { axis: 1 }, [ints(2, 0, -1)]),
  'Gather of a matrix of positions': one(13, 'Gather', image, { axis: 2 }, [
    Tensor.from('int64', [8, 0, 3, 3], [2, 2]),
  ]),
  'GatherElements, from the end': one(13, 'GatherElements', [2, 3], { axis: 1 }, [
    Tensor.from('int64', [-1, 0, 1, 2], [2, 2]),
  ]),
  GatherND: one(13, 'GatherND', [2, 3, 4], {}, [Tensor.from('int64', [1, 2, 0, -1], [2, 2])]),
  'Slice backwards': one(13, 'Slice', image, {}, [ints(-1, 5), ints(-100, 0), ints(2, 3), ints(-2, -1)]),
  'Pad, reflected': one(13, 'Pad', image, { mode: 'reflect' }, [ints(0, 0, 2, 1, 0, 0, 3, 0)]),
  'Pad of a signal, reflected': one(13, 'Pad', [1, 9], { mode: 'reflect' }, [ints(0, 0, 0, 4)]),
  'Pad with the edges, of channels too': one(13, 'Pad', image, { mode: 'edge' }, [
    ints(0, 1, 0, 1, 0, 0, 3, 0),
  ]),
  'Resize, linear by sizes, half pixels': one(13, 'Resize', [1, 2, 5, 4], { mode: 'linear' }, [
    floats(),
    floats(),
    ints(1, 2, 9, 6),
  ]),
  'Resize, linear by scales, aligned corners': one(
    13,
    'Resize',
    [1, 2, 5, 4],
    { mode: 'linear', coordinate_transformation_mode: 'align_corners' },
    [null, floats(1, 1, 2, 2)],
  ),
  'Resize, nearest, asymmetric, rounded down': one(
    13,
    'Resize',
    [1, 2, 5, 4],
    { coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
    [null, floats(1, 1, 2, 3)],
  ),
  'Resize, nearest to a smaller image': one(13, 'Resize', [1, 2, 5, 4], {}, [null, null, ints(1, 2, 3, 3)]),
  'Resize, cubic': one(13, 'Resize', [1, 1, 5, 4], { mode: 'cubic' }, [null, floats(1, 1, 2, 2)]),
  'Resize, linear against aliasing': one(18, 'Resize', [1, 1, 8, 6], { mode: 'linear', antialias: 1 }, [
    null,
    null,
    ints(1, 1, 4, 3),
  ]),
  Erf: one(13, 'Erf', image),
  Softplus: one(13, 'Softplus', image),
  ThresholdedRelu: one(13, 'ThresholdedRelu', image, { alpha: { float: 0.25 } }),
  Shrink: one(13, 'Shrink', image, { lambd: { float: 0.25 }, bias: { float: 0.125 } }),
  'Clip by computed bounds': {
    ...one(13, 'Clip', image),
    nodes: [
      { op: 'ReduceMean', inputs: ['x'], outputs: ['low'], attributes: { keepdims: 0 } },
      { op: 'Clip', inputs: ['x', 'low', 'high'], outputs: ['y'] },
    ],
    initializers: { high: scalar(0.5) },
  },
  'Pow of a number': {
    ...one(13, 'Pow', image),
    nodes: [{ op: 'Pow', inputs: ['c', 'x'], outputs: ['y'] }],
    initializers: { c: scalar(2) },
  },
  'Mod of floats': one(13, 'Mod', image, { fmod: 1 }, [scalar(0.25)]),
  'Where of a comparison': {
    ...one(13, 'Where', image),
    nodes: [
      { op: 'Greater', inputs: ['c', 'x'], outputs: ['above'] },
      { op: 'Not', inputs: ['above'], outputs: ['below'] },
      { op: 'Where', inputs: ['below', 'x', 'c'], outputs: ['y'] },
    ],
    initializers: { c: scalar(0.25) },
  },
  'CumSum, exclusive': one(13, 'CumSum', [3, 4], { exclusive: 1 }, [Tensor.scalar('int64', 1)]),
  'ArgMax without its axis': one(13, 'ArgMax', image, { axis: 1, keepdims: 0 }),
  ReduceProd: one(13, 'ReduceProd', [2, 3, 4], { axes: [0, 2], keepdims: 0 }),
  'TopK, its values': {
    ...one(11, 'TopK', [3, 7], {}, [ints(3)]),
    nodes: [{ op: 'TopK', inputs: ['x', 'c0'], outputs: ['y', 'at'], attributes: { axis: -1 } }],
  },
  'Hardmax of an axis': one(13, 'Hardmax', [2, 3, 4], { axis: 1 }),
  'OneHot of computed positions': {
    ...one(13, 'OneHot', [2, 5]),
    nodes: [
      { op: 'ArgMax', inputs: ['x'], outputs: ['at'], attributes: { axis: 1, keepdims: 0 } },
      { op: 'OneHot', inputs: ['at', 'depth', 'values'], outputs: ['y'] },
    ],
    initializers: { depth: ints(5), values: floats(-1, 2) },
  },
};

/** Two float32 libraries that sum in different orders agree this well. */
const tolerance = 1e-5;

describe('loadOnnx computes what ONNX Runtime does', () => {
  for (const [name, { opset, shape, nodes, initializers = {} }] of Object.entries(cases))
    it(`${name} (operator set ${opset})`, async () => {
      const model = onnxModel({
        opset,
        nodes,
        initializers,
        inputs: { x: ['float32', shape] },
        outputs: ['y'],
      });
      const x = randomTensor(shape, 7);
      const session = await InferenceSession.create(model, { logSeverityLevel: 3 });
      const expected = (await session.run({ x: new OrtTensor('float32', x.data as Float32Array, x.shape) }))
        .y;
      await session.release();
      const [actual] = new Interpreter(await loadOnnx(model), operators).run([x]);
      expect(actual.shape).toEqual(expected.dims);
      const [a, b] = [actual.toArray(), Array.from(expected.data as ArrayLike<number | bigint>, Number)];
      const largest = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      expect(largest).toBeGreaterThan(0);
      for (const [i, value] of a.entries())
        expect(Math.abs(value - b[i])).toBeLessThanOrEqual(tolerance * largest);
    });
});
