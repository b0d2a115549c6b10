import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { loadOnnx } from '../../lib/capture/index.ts';
import { Interpreter } from '../../lib/graph/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { onnxModel, randomTensor, type TestNode } from '../support/onnx-model.ts';

/** Nodes on an input `x` that end in `y`, and the operators that they are read as. */
interface Idiom {
  readonly shape: readonly number[];
  readonly nodes: readonly TestNode[];
  readonly initializers?: Readonly<Record<string, Tensor>>;
  readonly operators: readonly string[];
}

const number = (value: number) => Tensor.scalar('float32', value);
/** `op(inputs) -> output` */
const node = (
  op: string,
  inputs: string,
  output: string,
  attributes: TestNode['attributes'] = {},
): TestNode => ({
  op,
  inputs: inputs.split(' '),
  outputs: [output],
  attributes,
});

const last = { axes: [-1], keepdims: 1 };

const layerNorm = (square: readonly TestNode[]): readonly TestNode[] => [
  node('ReduceMean', 'x', 'm', last),
  node('Sub', 'x m', 'd'),
  ...square,
  node('ReduceMean', 'dd', 'v', last),
  node('Add', 'v eps', 'e'),
  node('Sqrt', 'e', 's'),
  node('Div', 'd s', 'n'),
  node('Mul', 'n w', 'nw'),
  node('Add', 'nw b', 'y'),
];
const ofLayerNorm = {
  two: number(2),
  eps: number(1e-5),
  w: randomTensor([8], 2),
  b: randomTensor([8], 3),
};

/** `middle` computes `n`, what is scaled, from `e`. */
const rmsNorm = (middle: readonly TestNode[], axes: readonly number[] = [-1]): readonly TestNode[] => [
  node('Pow', 'x two', 'xx'),
  node('ReduceMean', 'xx', 'v', { axes, keepdims: 1 }),
  node('Add', 'v eps', 'e'),
  ...middle,
  node('Mul', 'w n', 'y'),
];

const idioms: Readonly<Record<string, Idiom>> = {
  'a layer norm with a power': {
    shape: [2, 5, 8],
    nodes: layerNorm([node('Pow', 'd two', 'dd')]),
    initializers: ofLayerNorm,
    operators: ['aten.layer_norm.default'],
  },
  'a layer norm with a product, its scale on the left': {
    shape: [2, 5, 8],
    nodes: layerNorm([node('Mul', 'd d', 'dd')]).map((each) =>
      each.op === 'Mul' && each.outputs[0] === 'nw' ? node('Mul', 'w n', 'nw') : each,
    ),
    initializers: ofLayerNorm,
    operators: ['aten.layer_norm.default'],
  },
  'an RMS norm with an inverse root, its scale on the left': {
    shape: [2, 5, 8],
    nodes: rmsNorm([node('Sqrt', 'e', 's'), node('Div', 'one s', 'i'), node('Mul', 'x i', 'n')]),
    initializers: { ...ofLayerNorm, one: number(1) },
    operators: ['aten.rms_norm.default'],
  },
  'an RMS norm with a reciprocal on the left': {
    shape: [2, 5, 8],
    nodes: rmsNorm([node('Sqrt', 'e', 's'), node('Reciprocal', 's', 'i'), node('Mul', 'i x', 'n')]),
    initializers: ofLayerNorm,
    operators: ['aten.rms_norm.default'],
  },
  'an RMS norm with a quotient': {
    shape: [2, 5, 8],
    nodes: rmsNorm([node('Sqrt', 'e', 's'), node('Div', 'x s', 'n')]),
    initializers: ofLayerNorm,
    operators: ['aten.rms_norm.default'],
  },
  'hardswish of Paddle': {
    shape: [2, 9],
    nodes: [
      node('Add', 'x three', 'a'),
      node('Clip', 'a zero six', 'c'),
      node('Mul', 'x c', 'm'),
      node('Div', 'm six', 'y'),
    ],
    initializers: { three: number(3), zero: number(0), six: number(6) },
    operators: ['aten.hardswish.default'],
  },
  'hardswish by HardSigmoid': {
    shape: [2, 9],
    nodes: [
      node('HardSigmoid', 'x', 'h', { alpha: { float: 1 / 6 }, beta: { float: 0.5 } }),
      node('Mul', 'x h', 'y'),
    ],
    operators: ['aten.hardswish.default'],
  },
  'SiLU with a factor of one': {
    shape: [2, 9],
    nodes: [node('Mul', 'one x', 'z'), node('Sigmoid', 'z', 's'), node('Mul', 'x s', 'y')],
    initializers: { one: number(1) },
    operators: ['aten.silu.default'],
  },
  'GELU by tanh': {
    shape: [2, 9],
    nodes: [
      node('Pow', 'x three', 'p'),
      node('Mul', 'p c', 'pc'),
      node('Add', 'x pc', 'a'),
      node('Mul', 'a root', 'ar'),
      node('Tanh', 'ar', 't'),
      node('Add', 't one', 't1'),
      node('Mul', 'x half', 'xh'),
      node('Mul', 'xh t1', 'y'),
    ],
    initializers: {
      three: number(3),
      c: number(0.044715),
      root: number(Math.sqrt(2 / Math.PI)),
      one: number(1),
      half: number(0.5),
    },
    operators: ['aten.gelu.default'],
  },
  'a linear layer, its bias on the left': {
    shape: [2, 3, 5],
    nodes: [node('MatMul', 'x w', 'p'), node('Add', 'b p', 'y')],
    initializers: { w: randomTensor([5, 4], 2), b: randomTensor([4], 3) },
    operators: ['aten.linear.default'],
  },
  'a bias added to a convolution': {
    shape: [2, 3, 5, 5],
    nodes: [node('Conv', 'x w', 'p'), node('Add', 'p b', 'y')],
    initializers: { w: randomTensor([4, 3, 3, 3], 2), b: randomTensor([1, 4, 1, 1], 3) },
    operators: ['aten.conv2d.default'],
  },
  'a group norm by way of an instance norm': {
    shape: [2, 6, 5, 4],
    nodes: [
      node('Reshape', 'x groups', 'g'),
      node('InstanceNormalization', 'g ones zeros', 'i'),
      node('Shape', 'x', 's'),
      node('Reshape', 'i s', 'r'),
      node('Mul', 'r w', 'rw'),
      node('Add', 'rw b', 'y'),
    ],
    initializers: {
      groups: Tensor.from('int64', [0, 3, -1]),
      ones: Tensor.from('float32', [1, 1, 1]),
      zeros: Tensor.from('float32', [0, 0, 0]),
      w: randomTensor([6, 1, 1], 2),
      b: randomTensor([6, 1, 1], 3),
    },
    operators: ['aten.group_norm.default'],
  },
  'attention with its scale divided': {
    // Query, key and value are the input itself.
    shape: [2, 4, 6, 8],
    nodes: [
      node('Transpose', 'x', 'k', { perm: [0, 1, 3, 2] }),
      node('MatMul', 'x k', 'p'),
      node('Div', 'p root', 's'),
      node('Add', 's mask', 'm'),
      node('Softmax', 'm', 'w', { axis: -1 }),
      node('MatMul', 'w x', 'y'),
    ],
    initializers: { root: number(Math.sqrt(8)), mask: randomTensor([1, 1, 6, 6], 2) },
    operators: ['aten.scaled_dot_product_attention.default'],
  },
  'attention with its scale at both factors': {
    shape: [2, 4, 6, 8],
    nodes: [
      node('Transpose', 'x', 'k', { perm: [0, 1, 3, 2] }),
      node('Mul', 'x root', 'qs'),
      node('Mul', 'k root', 'ks'),
      node('MatMul', 'qs ks', 'p'),
      node('Softmax', 'p', 'w', { axis: -1 }),
      node('MatMul', 'w x', 'y'),
    ],
    // Another scale than usual.
    initializers: { root: number(0.75) },
    operators: ['aten.scaled_dot_product_attention.default'],
  },
};

/** What looks like an idiom and is not one. */
const others: Readonly<Record<string, Idiom>> = {
  'a variance of another axis is no layer norm': {
    shape: [2, 8, 8],
    nodes: layerNorm([node('Mul', 'd d', 'dd')]).map((each) =>
      each.outputs[0] === 'v' ? node('ReduceMean', 'dd', 'v', { axes: [1], keepdims: 1 }) : each,
    ),
    initializers: ofLayerNorm,
    operators: [
      'aten.mean.dim',
      'aten.sub.Tensor',
      'aten.mul.Tensor',
      'aten.mean.dim',
      'aten.add.Tensor',
      'aten.sqrt.default',
      'aten.div.Tensor',
      'aten.mul.Tensor',
      'aten.add.Tensor',
    ],
  },
  'squares of another axis are no RMS norm': {
    shape: [2, 8, 8],
    nodes: rmsNorm([node('Sqrt', 'e', 's'), node('Div', 'x s', 'n')], [1]),
    initializers: ofLayerNorm,
    operators: [
      'aten.square.default',
      'aten.mean.dim',
      'aten.add.Tensor',
      'aten.sqrt.default',
      'aten.div.Tensor',
      'aten.mul.Tensor',
    ],
  },
  'a gate of something else is no SiLU': {
    shape: [2, 9],
    nodes: [node('Neg', 'x', 'z'), node('Sigmoid', 'z', 's'), node('Mul', 'x s', 'y')],
    operators: ['aten.neg.default', 'aten.sigmoid.default', 'aten.mul.Tensor'],
  },
  'what is added to each row of the result is no bias': {
    shape: [2, 4, 5],
    nodes: [node('MatMul', 'x w', 'p'), node('Add', 'p b', 'y')],
    initializers: { w: randomTensor([5, 4], 2), b: randomTensor([4, 1], 3) },
    operators: ['aten.linear.default', 'aten.add.Tensor'],
  },
  'softmax over another axis is no attention': {
    shape: [2, 4, 6, 6],
    nodes: [node('MatMul', 'x x', 'p'), node('Softmax', 'p', 'w', { axis: -2 }), node('MatMul', 'w x', 'y')],
    operators: ['aten.matmul.default', 'aten.softmax.int', 'aten.matmul.default'],
  },
};

/** Two float32 libraries that sum in different orders agree this well. */
const tolerance = 1e-5;

describe('loadOnnx recognizes what exporters spell out', () => {
  for (const [name, { shape, nodes, initializers = {}, operators: expectedTargets }] of Object.entries({
    ...idioms,
    ...others,
  }))
    it(name, async () => {
      const model = onnxModel({
        opset: 13,
        nodes,
        initializers,
        inputs: { x: ['float32', shape] },
        outputs: ['y'],
      });
      const x = randomTensor(shape, 7);
      const session = await InferenceSession.create(model, {
        logSeverityLevel: 3,
        graphOptimizationLevel: 'disabled',
      });
      const expected = (await session.run({ x: new OrtTensor('float32', x.data as Float32Array, shape) })).y;
      await session.release();
      const module = await loadOnnx(model);
      const calls = module.graph.nodes.filter(
        ({ op, target }) => op === 'call_function' && target !== 'aten.permute.default',
      );
      expect(calls.map(({ target }) => target)).toEqual(expectedTargets);
      const [y] = new Interpreter(module, operators).run([x]);
      const [a, b] = [y.toArray(), Array.from(expected.data as Float32Array)];
      const largest = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      expect(largest).toBeGreaterThan(0);
      for (const [i, value] of a.entries())
        expect(Math.abs(value - b[i])).toBeLessThanOrEqual(tolerance * largest);
    });
});
