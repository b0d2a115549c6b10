import type { Argument, Arguments, Node } from '../../graph/index.ts';
import { geometryOf, namedPadding } from '../layers/convolution.ts';
import { sumOver } from './arithmetic.ts';
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
  return {
    input: () =>
      g.call('octavo.convolution_input_gradient.default', grad, weight, g.shape(input), ...geometry),
    weight: () =>
      g.call('octavo.convolution_weight_gradient.default', grad, input, g.shape(weight), ...geometry),
    bias: () => biasGradient(call, g),
  };
};

/** A transposed convolution is the gradient of a convolution: forward and back change places. */
const transposed: GradientRule = (call, g) => {
  const { args, grad } = call;
  const [input, weight] = [args.tensor('input'), args.tensor('weight')];
  const [stride, padding, dilation] = ['stride', 'padding', 'dilation'].map((name) => [
    ...args.numbers(name),
  ]);
  const groups = args.number('groups');
  const target = `aten.conv${g.shape(weight).length - 2}d.default`;
  const geometry = [stride, padding, padding, dilation, groups];
  return {
    input: () => g.call(target, grad, weight, null, stride, padding, dilation, groups),
    weight: () =>
      g.call('octavo.convolution_weight_gradient.default', input, grad, g.shape(weight), ...geometry),
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
