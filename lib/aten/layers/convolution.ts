import { type Arguments, type Dim, dimsEqual, staticDim, type TensorMeta } from '../../graph/index.ts';
import { windowCount } from '../../onednn/geometry.ts';
import type { OperatorDefinition, Step, TensorLike } from '../registry.ts';
import { computedDtype } from '../shape-rules.ts';
import { inferTransposed, transposedStep } from './transposed-convolution.ts';

/** Sizes of a convolution along its spatial dimensions, as in PyTorch's arguments. */
export interface ConvolutionGeometry {
  readonly stride: readonly number[];
  /** Zeros before the first element, and after the last one unless `paddingEnd` is set. */
  readonly padding: readonly number[];
  readonly paddingEnd?: readonly number[];
  readonly dilation: readonly number[];
  readonly groups: number;
}

/**
 * Shape of a convolution's result, `[N, O, ...]`; the batch size may be symbolic.
 * @throws Error when ranks, channels or groups do not fit, or the kernel is larger than the padded input.
 */
export function convolutionShape(
  input: readonly Dim[],
  weight: readonly Dim[],
  geometry: ConvolutionGeometry,
): Dim[] {
  const { groups, stride, padding, paddingEnd = padding, dilation } = geometry;
  const spatial = weight.length - 2;
  if (input.length !== weight.length)
    throw new Error(
      `input [${input.join(', ')}] must have ${weight.length} dimensions, as weight [${weight.join(', ')}] has` +
        (input.length === weight.length - 1 ? '; give it a batch of one, x.unsqueeze(0)' : ''),
    );
  for (const [name, list] of Object.entries({ stride, padding, dilation }))
    if (list.length !== spatial) throw new Error(`${name} [${list.join(', ')}] must hold ${spatial} numbers`);
  if (!dimsEqual(input[1], staticDim(weight[1], 'weight') * groups))
    throw new Error(
      `input [${input.join(', ')}] has ${input[1]} channels, but weight [${weight.join(', ')}] with groups ${groups} needs ${Number(weight[1]) * groups}`,
    );
  const extents = Array.from({ length: spatial }, (_, i) => {
    const kernel = staticDim(weight[2 + i], 'a kernel extent');
    return windowCount(staticDim(input[2 + i], 'a convolved extent'), {
      kernel,
      stride: stride[i],
      padding: padding[i],
      paddingEnd: paddingEnd[i],
      dilation: dilation[i],
    });
  });
  return [input[0], weight[0], ...extents];
}

/** The geometry in the arguments of an operator; most of them use the same names. */
export function geometryOf<T>(args: Arguments<T>): ConvolutionGeometry {
  const [stride, padding, dilation] = ['stride', 'padding', 'dilation'].map((name) => args.numbers(name));
  return { stride, padding, dilation, groups: args.number('groups') };
}

/**
 * The meaning of `padding='same'` and `'valid'` (`torch.nn.Conv2d`): with an odd total, the extra zero is at the end.
 */
export function namedPadding(
  name: string,
  kernel: readonly Dim[],
  stride: readonly number[],
  dilation: readonly number[],
): Pick<ConvolutionGeometry, 'padding' | 'paddingEnd'> {
  if (name === 'valid') return { padding: kernel.map(() => 0) };
  if (name !== 'same') throw new Error(`padding must be 'same' or 'valid', got '${name}'`);
  if (stride.some((step) => step !== 1)) throw new Error("padding 'same' needs a stride of 1");
  const totals = kernel.map((extent, i) => dilation[i] * (staticDim(extent, 'a kernel extent') - 1));
  return {
    padding: totals.map((total) => Math.floor(total / 2)),
    paddingEnd: totals.map((total) => Math.ceil(total / 2)),
  };
}

/** The same as {@link geometryOf}, for operators whose padding may be a name. */
function paddedGeometryOf<T extends { readonly shape: readonly Dim[] }>(
  args: Arguments<T>,
): ConvolutionGeometry {
  const padding = args.raw('padding');
  if (typeof padding !== 'string') return geometryOf(args);
  const [stride, dilation] = [args.numbers('stride'), args.numbers('dilation')];
  const kernel = args.tensor('weight').shape.slice(2);
  return {
    stride,
    ...namedPadding(padding, kernel, stride, dilation),
    dilation,
    groups: args.number('groups'),
  };
}

function infer(args: Arguments<TensorMeta>): TensorMeta {
  const input = args.tensor('input');
  return {
    dtype: computedDtype(input.dtype, args.schema.name),
    shape: convolutionShape(input.shape, args.tensor('weight').shape, paddedGeometryOf(args)),
  };
}

function step<T extends TensorLike>(args: Arguments<T>): Step<T> {
  const bias = args.optionalTensor('bias');
  return {
    op: 'convolution',
    inputs: [args.tensor('input'), args.tensor('weight'), ...(bias ? [bias] : [])],
    attributes: { ...paddedGeometryOf(args), hasBias: bias !== null },
  };
}

/** Float convolutions of signals, images and volumes. */
export const convolutions: readonly OperatorDefinition[] = [
  {
    schema:
      'aten::conv1d(Tensor input, Tensor weight, Tensor? bias=None, SymInt[1] stride=[1], SymInt[1] padding=[0], SymInt[1] dilation=[1], SymInt groups=1) -> Tensor',
    infer,
    samples: ['input'],
    step,
  },
  {
    schema:
      'aten::conv1d.padding(Tensor input, Tensor weight, Tensor? bias=None, SymInt[1] stride=[1], str padding="valid", SymInt[1] dilation=[1], SymInt groups=1) -> Tensor',
    infer,
    samples: ['input'],
    step,
  },
  {
    schema:
      'aten::conv2d(Tensor input, Tensor weight, Tensor? bias=None, SymInt[2] stride=[1, 1], SymInt[2] padding=[0, 0], SymInt[2] dilation=[1, 1], SymInt groups=1) -> Tensor',
    infer,
    samples: ['input'],
    step,
  },
  {
    schema:
      'aten::conv2d.padding(Tensor input, Tensor weight, Tensor? bias=None, SymInt[2] stride=[1, 1], str padding="valid", SymInt[2] dilation=[1, 1], SymInt groups=1) -> Tensor',
    infer,
    samples: ['input'],
    step,
  },
  {
    schema:
      'aten::convolution(Tensor input, Tensor weight, Tensor? bias, SymInt[] stride, SymInt[] padding, SymInt[] dilation, bool transposed, SymInt[] output_padding, SymInt groups) -> Tensor',
    infer: (args) => (args.bool('transposed') ? inferTransposed(args) : infer(args)),
    samples: ['input'],
    step: (args) => (args.bool('transposed') ? transposedStep(args) : step(args)),
  },
  {
    schema:
      'aten::conv3d(Tensor input, Tensor weight, Tensor? bias=None, SymInt[3] stride=[1, 1, 1], SymInt[3] padding=[0, 0, 0], SymInt[3] dilation=[1, 1, 1], SymInt groups=1) -> Tensor',
    infer,
    samples: ['input'],
    step,
  },
  {
    schema:
      'aten::conv3d.padding(Tensor input, Tensor weight, Tensor? bias=None, SymInt[3] stride=[1, 1, 1], str padding="valid", SymInt[3] dilation=[1, 1, 1], SymInt groups=1) -> Tensor',
    infer,
    samples: ['input'],
    step,
  },
];
