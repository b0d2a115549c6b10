import { type Arguments, type Dim, staticDim, type TensorMeta } from '../../graph/index.ts';
import type { Attributes } from '../../native/addon-types.ts';
import { checkExtents } from '../../onednn/geometry.ts';
import type { NativeDefinition, OperatorDefinition, TensorLike } from '../registry.ts';
import { computedDtype } from '../shape-rules.ts';

/** A pooling call's window along each spatial extent. */
export interface Window {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
  readonly ceil: boolean;
}

/** The window that a call's arguments describe. */
export function windowOf<T>(args: Arguments<T>): Window {
  const kernel = args.numbers('kernel_size');
  const stride = args.numbers('stride');
  const hasDilation = args.schema.arguments.some((argument) => argument.name === 'dilation');
  return {
    kernel,
    stride: stride.length === 0 ? kernel : stride,
    padding: args.numbers('padding'),
    dilation: hasDilation ? args.numbers('dilation') : kernel.map(() => 1),
    ceil: args.bool('ceil_mode'),
  };
}

/** PyTorch's `pooling_output_shape`: in ceil mode the last window must still start inside the input or its padding. */
export function pooledExtent(extent: number, window: Window, i: number, operator: string): number {
  const [k, s, p, d] = [window.kernel[i], window.stride[i], window.padding[i], window.dilation[i]];
  if (k < 1 || s < 1 || d < 1) throw new Error(`${operator}: kernel, stride and dilation must be positive`);
  checkExtents([extent, k, s, d, p], operator);
  if (p < 0 || p * 2 > k)
    throw new Error(`${operator}: padding ${p} must be at most half of the kernel's ${k}`);
  const steps = (extent + 2 * p - d * (k - 1) - 1) / s;
  let out = (window.ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
  if (window.ceil && (out - 1) * s >= extent + p) out--;
  if (out < 1) throw new Error(`${operator}: an extent of ${extent} is smaller than the window`);
  return out;
}

/**
 * Batch and channels, and the spatial extents, of a pooling call's input.
 * @throws Error when it has other ranks.
 */
export function spatial(
  args: Arguments<TensorMeta>,
  rank: number,
): { lead: readonly Dim[]; extents: number[] } {
  const { name } = args.schema;
  const { dtype, shape } = args.tensor('self');
  computedDtype(dtype, name);
  if (shape.length !== rank + 2)
    throw new Error(
      `${name}: the input must be [N, C, ${['L', 'H, W', 'D, H, W'][rank - 1]}], got [${shape.join(', ')}]` +
        (shape.length === rank + 1 ? '; give it a batch of one, x.unsqueeze(0)' : ''),
    );
  return { lead: shape.slice(0, 2), extents: shape.slice(2).map((extent) => staticDim(extent, name)) };
}

function inferWindows(args: Arguments<TensorMeta>, rank: number): TensorMeta {
  const { lead, extents } = spatial(args, rank);
  const window = windowOf(args);
  return {
    dtype: args.tensor('self').dtype,
    shape: [...lead, ...extents.map((extent, i) => pooledExtent(extent, window, i, args.schema.name))],
  };
}

function windows(
  schema: string,
  rank: number,
  algorithm: <T extends TensorLike>(args: Arguments<T>) => Attributes,
): NativeDefinition {
  return {
    schema,
    infer: (args) => inferWindows(args, rank),
    samples: ['self'],
    step: (args) => {
      const { kernel, stride, padding, dilation } = windowOf(args);
      return {
        op: 'pool',
        inputs: [args.tensor('self')],
        attributes: { kernel, stride, padding, dilation, ...algorithm(args) },
      };
    },
  };
}

function averageAlgorithm<T extends TensorLike>(args: Arguments<T>): Attributes {
  const algorithm = args.bool('count_include_pad') ? 'avg_include_padding' : 'avg_exclude_padding';
  const hasDivisor = args.schema.arguments.some((argument) => argument.name === 'divisor_override');
  const divisor = hasDivisor ? args.optionalNumber('divisor_override') : null;
  if (divisor === 0) throw new Error(`${args.schema.name}: 'divisor_override' must not be zero`);
  return { algorithm, ...(divisor === null ? {} : { divisor }) };
}

/** Windows of one size if the output divides the input, as in common networks; uneven ones otherwise. */
function adaptiveAttributes(input: readonly number[], output: readonly number[]): Attributes {
  if (output.some((extent, i) => extent < 1 || input[i] % extent !== 0)) return { algorithm: 'avg_adaptive' };
  const kernel = output.map((extent, i) => input[i] / extent);
  return { algorithm: 'avg_exclude_padding', kernel, stride: kernel };
}

function adaptiveAverage(schema: string, rank: number): NativeDefinition {
  return {
    schema,
    infer: (args) => ({
      dtype: args.tensor('self').dtype,
      shape: [...spatial(args, rank).lead, ...args.numbers('output_size')],
    }),
    samples: ['self'],
    step: (args) => {
      const self = args.tensor('self');
      return {
        op: 'pool',
        inputs: [self],
        attributes: adaptiveAttributes(self.shape.slice(2), args.numbers('output_size')),
      };
    },
  };
}

/** Max and average pooling (counterpart: `torch.nn.functional.max_pool2d` and its family). */
export const pooling: readonly OperatorDefinition[] = [
  windows(
    'aten::max_pool1d(Tensor self, int[1] kernel_size, int[1] stride=[], int[1] padding=[0], int[1] dilation=[1], bool ceil_mode=False) -> Tensor',
    1,
    () => ({ algorithm: 'max' }),
  ),
  windows(
    'aten::max_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, int[2] dilation=1, bool ceil_mode=False) -> Tensor',
    2,
    () => ({ algorithm: 'max' }),
  ),
  windows(
    'aten::avg_pool1d(Tensor self, int[1] kernel_size, int[1] stride=[], int[1] padding=[0], bool ceil_mode=False, bool count_include_pad=True) -> Tensor',
    1,
    averageAlgorithm,
  ),
  windows(
    'aten::avg_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, bool ceil_mode=False, bool count_include_pad=True, int? divisor_override=None) -> Tensor',
    2,
    averageAlgorithm,
  ),
  adaptiveAverage('aten::adaptive_avg_pool1d(Tensor self, int[1] output_size) -> Tensor', 1),
  adaptiveAverage('aten::adaptive_avg_pool2d(Tensor self, SymInt[2] output_size) -> Tensor', 2),
];
