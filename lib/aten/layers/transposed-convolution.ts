import { type Arguments, type Dim, dimsEqual, staticDim, type TensorMeta } from '../../graph/index.ts';
import type { NativeDefinition, OperatorDefinition, Step, TensorLike } from '../registry.ts';
import { computedDtype } from '../shape-rules.ts';

/** Shape of a transposed convolution's result, `[N, O, ...]`, of the weight `[C, O / groups, ...]`. */
function transposedShape(
  input: readonly Dim[],
  weight: readonly Dim[],
  args: Arguments<TensorMeta>,
): readonly Dim[] {
  const axes = weight.length - 2;
  const groups = args.number('groups');
  if (input.length !== weight.length || axes < 1)
    throw new Error(
      `input [${input.join(', ')}] must have ${weight.length} dimensions, as weight [${weight.join(', ')}] has`,
    );
  if (!dimsEqual(input[1], weight[0]))
    throw new Error(
      `input [${input.join(', ')}] has ${input[1]} channels, but weight [${weight.join(', ')}] needs ${weight[0]}`,
    );
  if (groups < 1 || staticDim(weight[0], 'weight') % groups !== 0)
    throw new Error(`${groups} groups do not divide ${weight[0]} channels`);
  const [stride, padding, extra, dilation] = ['stride', 'padding', 'output_padding', 'dilation'].map(
    (name) => {
      const list = args.numbers(name);
      if (list.length !== axes) throw new Error(`${name} [${list.join(', ')}] must hold ${axes} numbers`);
      return list;
    },
  );
  const extents = Array.from({ length: axes }, (_, i) => {
    const [step, gap] = [stride[i], dilation[i]];
    if (step < 1 || gap < 1 || padding[i] < 0)
      throw new Error(`stride and dilation must be at least 1, padding at least 0`);
    if (extra[i] < 0 || extra[i] >= Math.max(step, gap))
      throw new Error(`output_padding ${extra[i]} must be less than stride ${step} or dilation ${gap}`);
    const [extent, kernel] = [input[2 + i], weight[2 + i]].map((dim) => staticDim(dim, 'a convolved extent'));
    const out = (extent - 1) * step - 2 * padding[i] + gap * (kernel - 1) + extra[i] + 1;
    if (out < 1) throw new Error(`nothing of an extent of ${extent} is left by a padding of ${padding[i]}`);
    return out;
  });
  return [input[0], staticDim(weight[1], 'weight') * groups, ...extents];
}

/** Dtype and shape of a transposed convolution, whichever of PyTorch's operators it is. */
export function inferTransposed(args: Arguments<TensorMeta>): TensorMeta {
  const { dtype, shape } = args.tensor('input');
  return {
    dtype: computedDtype(dtype, args.schema.name),
    shape: transposedShape(shape, args.tensor('weight').shape, args),
  };
}

/** Its native step. How far the result reaches beyond the padding is in its shape. */
export function transposedStep<T extends TensorLike>(args: Arguments<T>): Step<T> {
  const bias = args.optionalTensor('bias');
  const [stride, padding, dilation] = ['stride', 'padding', 'dilation'].map((name) => args.numbers(name));
  return {
    op: 'transposed_convolution',
    inputs: [args.tensor('input'), args.tensor('weight'), ...(bias ? [bias] : [])],
    attributes: { stride, padding, dilation, groups: args.number('groups'), hasBias: bias !== null },
  };
}

const transposed = (name: string, axes: number): NativeDefinition => ({
  schema: `aten::${name}(Tensor input, Tensor weight, Tensor? bias=None, SymInt[${axes}] stride=1, SymInt[${axes}] padding=0, SymInt[${axes}] output_padding=0, SymInt groups=1, SymInt[${axes}] dilation=1) -> Tensor`,
  infer: inferTransposed,
  samples: ['input'],
  step: transposedStep,
});

/** Float transposed convolutions (counterpart: `torch.nn.functional.conv_transpose2d` and its family). */
export const transposedConvolutions: readonly OperatorDefinition[] = [
  transposed('conv_transpose1d', 1),
  transposed('conv_transpose2d.input', 2),
  transposed('conv_transpose3d.input', 3),
];
