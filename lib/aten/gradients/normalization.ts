import type { Node } from '../../graph/index.ts';
import { FLOAT32_EPSILON } from '../../tensor/index.ts';
import { normalizeAxis } from '../shape-rules.ts';
import { add, mul, once, reshape, sub, sumLike, sumOver } from './arithmetic.ts';
import type { DifferentiatedCall, GradientBuilder, GradientRule, GradientRules } from './rule.ts';

const axisOf = ({ args, result }: DifferentiatedCall, g: GradientBuilder): number =>
  normalizeAxis(args.number('dim'), g.shape(result).length, args.schema.name);

/** y (grad - sum(grad y)) */
const softmax: GradientRule = (call, g) => ({
  self: () => {
    const weighted = mul(g, call.grad, call.result);
    const total = sumOver(g, weighted, [axisOf(call, g)], true);
    return sub(g, weighted, mul(g, call.result, total));
  },
});

/** grad - e^y sum(grad) */
const logSoftmax: GradientRule = (call, g) => ({
  self: () => {
    const total = sumOver(g, call.grad, [axisOf(call, g)], true);
    return sub(g, call.grad, mul(g, g.call('aten.exp.default', call.result), total));
  },
});

const batchNormTraining: GradientRule = ({ args, grads: [grad], result }, g) => {
  if (!grad) throw new Error('nothing flows back through statistics');
  const [mean, inverse] = [g.item(result, 1), g.item(result, 2)];
  const gradients = once(() =>
    g.call(
      'octavo.batch_norm_gradient.default',
      grad,
      args.tensor('input'),
      args.optionalTensor('weight'),
      mean,
      inverse,
    ),
  );
  const of = (index: number) => () => g.item(gradients(), index);
  return { input: of(0), weight: of(1), bias: of(2) };
};

/** By running statistics it is one multiplication and one addition a channel. */
const batchNorm: GradientRule = ({ args, grad }, g) => {
  const input = args.tensor('input');
  const shape = g.shape(input).map((extent, axis) => (axis === 1 ? extent : 1));
  const others = shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
  const perChannel = (node: Node) => reshape(g, node, shape);
  const inverse = () => g.call('aten.rsqrt.default', add(g, args.tensor('running_var'), args.number('eps')));
  return {
    input: () => {
      const weight = args.optionalTensor('weight');
      return mul(g, grad, perChannel(weight ? mul(g, inverse(), weight) : inverse()));
    },
    weight: () => {
      const centred = sub(g, input, perChannel(args.tensor('running_mean')));
      return mul(g, sumOver(g, mul(g, grad, centred), others), inverse());
    },
    bias: () => sumOver(g, grad, others),
  };
};

interface Normalized {
  readonly z: Node;
  /** 1 / deviation */
  readonly inverse: Node;
}

const meanOver = (g: GradientBuilder, x: Node, axes: readonly number[]): Node =>
  g.call('aten.mean.dim', x, [...axes], true);

/** z = (x - mean) / deviation over some axes; of the root mean square, z = x / deviation. */
function normalization(
  g: GradientBuilder,
  x: Node,
  axes: readonly number[],
  eps: number,
  isCentred: boolean,
): () => Normalized {
  return once(() => {
    const centred = isCentred ? sub(g, x, meanOver(g, x, axes)) : x;
    const variance = meanOver(g, mul(g, centred, centred), axes);
    const inverse = g.call('aten.rsqrt.default', add(g, variance, eps));
    return { z: mul(g, centred, inverse), inverse };
  });
}

/** (g - mean(g) - z mean(g z)) / deviation, of the root mean square without mean(g). */
function throughNormalization(
  g: GradientBuilder,
  grad: Node,
  { z, inverse }: Normalized,
  axes: readonly number[],
  isCentred: boolean,
): Node {
  const along = mul(g, z, meanOver(g, mul(g, grad, z), axes));
  const rest = isCentred ? sub(g, grad, meanOver(g, grad, axes)) : grad;
  return mul(g, sub(g, rest, along), inverse);
}

/** Over the last axes. */
const overLast =
  (isCentred: boolean, epsOf: (call: DifferentiatedCall) => number): GradientRule =>
  (call, g) => {
    const { args, grad } = call;
    const [input, weight] = [args.tensor('input'), args.optionalTensor('weight')];
    const rank = g.shape(input).length;
    const axes = args.numbers('normalized_shape').map((_, i, { length }) => rank - length + i);
    const normalized = normalization(g, input, axes, epsOf(call), isCentred);
    return {
      input: () =>
        throughNormalization(g, weight ? mul(g, grad, weight) : grad, normalized(), axes, isCentred),
      weight: () => sumLike(g, mul(g, grad, normalized().z), weight!),
      ...(isCentred ? { bias: () => sumLike(g, grad, args.tensor('bias')) } : {}),
    };
  };

/** Over groups of channels, and all places: [N, groups, the rest]. */
const overGroups: GradientRule = ({ args, grad }, g) => {
  const [input, weight] = [args.tensor('input'), args.optionalTensor('weight')];
  const shape = g.shape(input);
  const [batch, channels] = shape;
  const groups = args.number('num_groups');
  const count = shape.slice(2).reduce((a, b) => a * b, channels / groups);
  const grouped = (node: Node) => reshape(g, node, [batch, groups, count]);
  const perChannel = (node: Node) => reshape(g, node, [channels, ...shape.slice(2).map(() => 1)]);
  const others = shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
  const normalized = normalization(g, grouped(input), [2], args.number('eps'), true);
  return {
    input: () => {
      const weighted = grouped(weight ? mul(g, grad, perChannel(weight)) : grad);
      return reshape(g, throughNormalization(g, weighted, normalized(), [2], true), shape);
    },
    weight: () => sumOver(g, mul(g, grad, reshape(g, normalized().z, shape)), others),
    bias: () => sumOver(g, grad, others),
  };
};

/** Gradients of normalizations and of softmax. */
export const normalizationRules: GradientRules = {
  'aten.softmax.int': softmax,
  'aten._safe_softmax.default': softmax,
  'aten.log_softmax.int': logSoftmax,
  'aten._native_batch_norm_legit_functional.default': batchNormTraining,
  'aten.batch_norm.default': batchNorm,
  'aten.layer_norm.default': overLast(true, ({ args }) => args.number('eps')),
  'aten.rms_norm.default': overLast(false, ({ args }) => args.optionalNumber('eps') ?? FLOAT32_EPSILON),
  'aten.group_norm.default': overGroups,
};
