import type { Arguments, TensorMeta } from '../../graph/index.ts';
import type { StepName } from '../../native/step-name.ts';
import { type DType, isDType, isFloatingPoint } from '../../tensor/index.ts';
import type { NativeDefinition, OperatorDefinition, TensorLike } from '../registry.ts';
import { normalizeAxis } from '../shape-rules.ts';

/** Names of the operators between which tensors are quantized; those that end in `_DYNAMIC` take parameters as tensors. */
export const QUANTIZE_PER_TENSOR = 'quantized_decomposed.quantize_per_tensor.default';
export const QUANTIZE_PER_TENSOR_DYNAMIC = 'quantized_decomposed.quantize_per_tensor.tensor';
export const QUANTIZE_PER_CHANNEL = 'quantized_decomposed.quantize_per_channel.default';
export const DEQUANTIZE_PER_TENSOR = 'quantized_decomposed.dequantize_per_tensor.default';
export const DEQUANTIZE_PER_TENSOR_DYNAMIC = 'quantized_decomposed.dequantize_per_tensor.tensor';
export const DEQUANTIZE_PER_CHANNEL = 'quantized_decomposed.dequantize_per_channel.default';
export const CHOOSE_QPARAMS = 'quantized_decomposed.choose_qparams.tensor';
export const CHOOSE_QPARAMS_SYMMETRIC = 'quantized_decomposed.choose_qparams_symmetric.tensor';
export const CONVERT_ELEMENT_TYPE = 'quantized_decomposed.convert_element_type.no_fuse';

export const quantizeOperators: readonly string[] = [
  QUANTIZE_PER_TENSOR,
  QUANTIZE_PER_TENSOR_DYNAMIC,
  QUANTIZE_PER_CHANNEL,
];
export const dequantizeOperators: readonly string[] = [
  DEQUANTIZE_PER_TENSOR,
  DEQUANTIZE_PER_TENSOR_DYNAMIC,
  DEQUANTIZE_PER_CHANNEL,
];
export const chooseQparamsOperators: readonly string[] = [CHOOSE_QPARAMS, CHOOSE_QPARAMS_SYMMETRIC];

/** Whether an operator only changes how numbers are stored: one of the library `quantized_decomposed`. */
export function isQuantizedDecomposed(target: string): boolean {
  return target.startsWith('quantized_decomposed.');
}

function quantizedDtype<T>(args: Arguments<T>): DType {
  const dtype = args.dtype('dtype');
  if (!isDType(dtype) || isFloatingPoint(dtype) || dtype === 'bool' || dtype === 'int64')
    throw new Error(`${args.schema.name}: '${dtype}' is not a dtype to quantize to`);
  return dtype;
}

function realInput(args: Arguments<TensorMeta>): TensorMeta {
  const input = args.tensor('input');
  if (input.dtype !== 'float32' && input.dtype !== 'bfloat16')
    throw new Error(
      `${args.schema.name}: input must be float32 or bfloat16 (q = x / scale), got ${input.dtype}`,
    );
  return input;
}

function quantizedInput(args: Arguments<TensorMeta>): TensorMeta {
  const input = args.tensor('input');
  if (input.dtype !== quantizedDtype(args))
    throw new Error(
      `${args.schema.name}: input must be ${args.dtype('dtype')} as 'dtype' says, got ${input.dtype}`,
    );
  return input;
}

function quantized(args: Arguments<TensorMeta>): TensorMeta {
  return { dtype: quantizedDtype(args), shape: realInput(args).shape };
}

function dequantized(args: Arguments<TensorMeta>): TensorMeta {
  const dtype = args.isNone('out_dtype') ? 'float32' : args.dtype('out_dtype');
  return { dtype, shape: quantizedInput(args).shape };
}

function range<T>(args: Arguments<T>): { quantMin: number; quantMax: number } {
  return { quantMin: args.number('quant_min'), quantMax: args.number('quant_max') };
}

function checkedAxis<T extends { readonly shape: readonly unknown[] }>(args: Arguments<T>): number {
  return normalizeAxis(args.number('axis'), args.tensor('input').shape.length, args.schema.name);
}

/** Parameters that are tensors of one element, as dynamic quantization computes them. */
function tensorParameters(schema: string, op: StepName, infer: NativeDefinition['infer']): NativeDefinition {
  return {
    schema,
    infer,
    samples: ['input'],
    step: (args) => ({
      op,
      inputs: [args.tensor('input'), args.tensor('scale'), args.tensor('zero_point')],
      attributes: range(args),
    }),
  };
}

function perTensorAttributes<T extends TensorLike>(args: Arguments<T>) {
  return { scale: args.number('scale'), zeroPoint: args.number('zero_point'), ...range(args) };
}

/** Scale and zero point from a tensor's own range: dynamic quantization. */
function chooseQparams(name: string, symmetric: boolean): NativeDefinition {
  return {
    schema: `quantized_decomposed::${name}.tensor(Tensor input, int quant_min, int quant_max, float eps, ScalarType dtype) -> (Tensor, Tensor)`,
    infer: (args) => {
      realInput(args);
      quantizedDtype(args);
      return [
        { dtype: 'float64', shape: [1] },
        { dtype: 'int64', shape: [1] },
      ];
    },
    step: (args) => ({
      op: 'choose_qparams',
      inputs: [args.tensor('input')],
      attributes: {
        ...range(args),
        eps: args.number('eps'),
        symmetric,
        symmetricZeroPoint: quantizedDtype(args) === 'uint8' ? 128 : 0,
      },
    }),
  };
}

/** PyTorch's `torch.ops.quantized_decomposed`: quantization as plain operators on plain integer tensors. */
export const quantizedDecomposed: readonly OperatorDefinition[] = [
  {
    schema:
      'quantized_decomposed::quantize_per_tensor(Tensor input, float scale, int zero_point, int quant_min, int quant_max, ScalarType dtype) -> Tensor',
    infer: quantized,
    samples: ['input'],
    step: (args) => ({
      op: 'quantize',
      inputs: [args.tensor('input')],
      attributes: perTensorAttributes(args),
    }),
  },
  tensorParameters(
    'quantized_decomposed::quantize_per_tensor.tensor(Tensor input, Tensor scale, Tensor zero_point, int quant_min, int quant_max, ScalarType dtype) -> Tensor',
    'quantize',
    quantized,
  ),
  {
    schema:
      'quantized_decomposed::dequantize_per_tensor(Tensor input, float scale, int zero_point, int quant_min, int quant_max, ScalarType dtype, *, ScalarType? out_dtype=None) -> Tensor',
    infer: dequantized,
    samples: ['input'],
    step: (args) => ({
      op: 'dequantize',
      inputs: [args.tensor('input')],
      attributes: perTensorAttributes(args),
    }),
  },
  tensorParameters(
    'quantized_decomposed::dequantize_per_tensor.tensor(Tensor input, Tensor scale, Tensor zero_point, int quant_min, int quant_max, ScalarType dtype, *, ScalarType? out_dtype=None) -> Tensor',
    'dequantize',
    dequantized,
  ),
  {
    schema:
      'quantized_decomposed::quantize_per_channel(Tensor input, Tensor scales, Tensor zero_points, int axis, int quant_min, int quant_max, ScalarType dtype) -> Tensor',
    infer: quantized,
    samples: (args) => (checkedAxis(args) > 0 ? ['input'] : []),
    step: (args) => ({
      op: 'quantize_per_channel',
      inputs: [args.tensor('input'), args.tensor('scales'), args.tensor('zero_points')],
      attributes: { axis: checkedAxis(args), ...range(args) },
    }),
  },
  {
    schema:
      'quantized_decomposed::dequantize_per_channel(Tensor input, Tensor scales, Tensor? zero_points, int axis, int quant_min, int quant_max, ScalarType dtype, *, ScalarType? out_dtype=None) -> Tensor',
    infer: dequantized,
    samples: (args) => (checkedAxis(args) > 0 ? ['input'] : []),
    step: (args) => {
      const zeroPoints = args.optionalTensor('zero_points');
      return {
        op: 'dequantize_per_channel',
        inputs: [args.tensor('input'), args.tensor('scales'), ...(zeroPoints ? [zeroPoints] : [])],
        attributes: { axis: checkedAxis(args), ...range(args) },
      };
    },
  },
  {
    schema: 'quantized_decomposed::convert_element_type.no_fuse(Tensor input, ScalarType dtype) -> Tensor',
    infer: (args) => ({ dtype: args.dtype('dtype'), shape: args.tensor('input').shape }),
    samples: ['input'],
    step: (args) => ({ op: 'copy', inputs: [args.tensor('input')], attributes: {} }),
  },
  chooseQparams('choose_qparams', false),
  chooseQparams('choose_qparams_symmetric', true),
];
