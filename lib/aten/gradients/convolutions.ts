import type { Argument, Arguments, Node } from '../../graph/index.ts';
import { geometryOf, namedPadding } from '../layers/convolution.ts';
import { castTo, once, sumOver } from './arithmetic.ts';
import type { DifferentiatedCall, GradientBuilder, GradientRule, GradientRules } from './rule.ts';

/** The geometry as the gradients' operators take it. */
function geometryArguments(args: Arguments<Node>, g: GradientBuilder): readonly Argument[] {
  const [stride, dilation, groups] = [
    args.numbers('stride'),
    args.numbers('dilation'),
    args.number('groups'),
  ];
  const named = args.raw('padding');
  const { padding, paddingEnd = padding } =
    typeof named === 'string'
      ? namedPadding(named, g.shape(args.tensor('weight')).slice(2), stride, dilation)
      : geometryOf(args);
  return [[...stride], [...padding], [...paddingEnd], [...dilation], groups];
}

/** Every channel's gradient, summed over the batch and all places. */
const biasGradient = ({ grad }: DifferentiatedCall, g: GradientBuilder): Node =>
  sumOver(
    g,
    grad,
    g.shape(grad).flatMap((_, axis) => (axis === 1 ? [] : [axis])),
  );

const convolution: GradientRule = (call, g) => {
  const { args, grad } = call;
  const [input, weight] = [args.tensor('input'), args.tensor('weight')];
  const geometry = geometryArguments(args, g);
  const factor = once(() => castTo(g, grad, g.dtype(weight)));
  return {
    input: () =>
      g.call('octavo.convolution_input_gradient.default', factor(), weight, g.shape(input), ...geometry),
    weight: () =>
      g.call('octavo.convolution_weight_gradient.default', factor(), input, g.shape(weight), ...geometry),
    bias: () => biasGradient(call, g),
  };
};

/** The first elements of all axes of images. */
const firstOf = (g: GradientBuilder, x: Node, extents: readonly number[]): Node =>
  extents.reduce(
    (part, extent, i) =>
      g.shape(part)[2 + i] === extent ? part : g.call('aten.slice.Tensor', part, 2 + i, 0, extent),
    x,
  );

/**
 * A transposed convolution is the gradient of a convolution: forward and back change places. Where the output is padded by a stride
 * or more, that convolution would find room for more places than the input has.
 */
const transposed: GradientRule = (call, g) => {
  const { args, grad } = call;
  const [input, weight] = [args.tensor('input'), args.tensor('weight')];
  const [stride, padding, dilation, extra] = ['stride', 'padding', 'dilation', 'output_padding'].map(
    (name) => [...args.numbers(name)],
  );
  const groups = args.number('groups');
  const places = g.shape(input).slice(2);
  const target = `aten.conv${places.length}d.default`;
  const isWide = extra.map((count, i) => count >= stride[i]);
  const paddingEnd = padding.map((count, i) => (isWide[i] ? Math.max(count - extra[i], 0) : count));
  const read = g
    .shape(grad)
    .slice(2)
    .map((extent, i) => (isWide[i] ? extent - Math.max(extra[i] - padding[i], 0) : extent));
  const factor = once(() => castTo(g, grad, g.dtype(weight)));
  return {
    input: () =>
      firstOf(g, g.call(target, factor(), weight, null, stride, padding, dilation, groups), places),
    weight: () =>
      g.call(
        'octavo.convolution_weight_gradient.default',
        input,
        firstOf(g, factor(), read),
        g.shape(weight),
        ...[stride, padding, paddingEnd, dilation, groups],
      ),
    bias: () => biasGradient(call, g),
  };
};

/** Gradients of convolutions of signals, images and volumes. */
export const convolutionRules: GradientRules = {
  ...Object.fromEntries(
    ['conv1d', 'conv2d', 'conv3d'].flatMap((name) => [
      [`aten.${name}.default`, convolution],
      [`aten.${name}.padding`, convolution],
    ]),
  ),
  'aten.convolution.default': (call, g) => (call.args.bool('transposed') ? transposed : convolution)(call, g),
  'aten.conv_transpose1d.default': transposed,
  'aten.conv_transpose2d.input': transposed,
  'aten.conv_transpose3d.input': transposed,
};
