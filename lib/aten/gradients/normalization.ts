import type { Node } from '../../graph/index.ts';
import { normalizeAxis } from '../shape-rules.ts';
import { add, mul, reshape, sub, sumLike, sumOver } from './arithmetic.ts';
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
  let gradients: Node | undefined;
  const of = (index: number) => () => {
    gradients ??= g.call(
      'octavo.batch_norm_gradient.default',
      grad,
      args.tensor('input'),
      args.optionalTensor('weight'),
      mean,
      inverse,
    );
    return g.item(gradients, index);
  };
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

/** With z = (x - mean) / deviation: (g - mean(g) - z mean(g z)) / deviation, where g = grad weight. */
const layerNorm: GradientRule = ({ args, grad }, g) => {
  const [input, weight] = [args.tensor('input'), args.optionalTensor('weight')];
  const rank = g.shape(input).length;
  const axes = args.numbers('normalized_shape').map((_, i, { length }) => rank - length + i);
  const meanOf = (x: Node) => g.call('aten.mean.dim', x, axes, true);
  let parts: { readonly z: Node; readonly inverse: Node } | undefined;
  const normalized = () => {
    if (parts) return parts;
    const centred = sub(g, input, meanOf(input));
    const variance = meanOf(mul(g, centred, centred));
    const inverse = g.call('aten.rsqrt.default', add(g, variance, args.number('eps')));
    parts = { z: mul(g, centred, inverse), inverse };
    return parts;
  };
  return {
    input: () => {
      const { z, inverse } = normalized();
      const weighted = weight ? mul(g, grad, weight) : grad;
      const along = mul(g, z, meanOf(mul(g, weighted, z)));
      return mul(g, sub(g, sub(g, weighted, meanOf(weighted)), along), inverse);
    },
    weight: () => sumLike(g, mul(g, grad, normalized().z), weight!),
    bias: () => sumLike(g, grad, args.tensor('bias')),
  };
};

/** Gradients of normalizations and of softmax. */
export const normalizationRules: GradientRules = {
  'aten.softmax.int': softmax,
  'aten.log_softmax.int': logSoftmax,
  'aten._native_batch_norm_legit_functional.default': batchNormTraining,
  'aten.batch_norm.default': batchNorm,
  'aten.layer_norm.default': layerNorm,
};
