import { type ConvolutionGeometry, namedPadding } from '../../aten/layers/convolution.ts';
import { type Argument, type Node, staticDim } from '../../graph/index.ts';
import type { PassContext } from '../pass.ts';

/** A convolution's operands and geometry, from any of PyTorch's convolution operators. */
export interface ConvolutionCall {
  readonly input: Node;
  readonly weight: Node;
  readonly bias: Argument;
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  /** Additional padding at the end of each axis, beyond `padding`: for padding 'same' with an even kernel. */
  readonly extraPadding: readonly number[];
  readonly dilation: readonly number[];
  readonly groups: number;
}

/** @returns the reason, as a sentence, if oneDNN's pointwise operators cannot express the call. */
export function convolutionOf(context: PassContext, node: Node): ConvolutionCall | string {
  const args = context.args(node);
  if (node.target === 'aten.convolution.default') {
    if (args.bool('transposed')) return 'it is a transposed convolution';
  }
  const weight = args.tensor('weight');
  const kernel = context
    .meta(weight)
    .shape.slice(2)
    .map((extent) => staticDim(extent, node.target));
  const numbers = (name: string) => {
    const values = args.numbers(name);
    return values.length === 1 ? kernel.map(() => values[0]) : values;
  };
  if (context.meta(args.tensor('input')).shape.length !== kernel.length + 2)
    return 'its input has no batch dimension';
  const stride = numbers('stride');
  const dilation = numbers('dilation');
  const { padding, paddingEnd = padding }: Pick<ConvolutionGeometry, 'padding' | 'paddingEnd'> =
    node.target.endsWith('.padding')
      ? namedPadding(args.string('padding'), kernel, stride, dilation)
      : { padding: numbers('padding') };
  return {
    input: args.tensor('input'),
    weight,
    bias: args.raw('bias') as Argument,
    stride,
    padding,
    extraPadding: paddingEnd.map((extent, axis) => extent - padding[axis]),
    dilation,
    groups: args.number('groups'),
  };
}
