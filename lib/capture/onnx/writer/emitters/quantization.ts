import {
  DEQUANTIZE_PER_CHANNEL,
  DEQUANTIZE_PER_TENSOR,
  QUANTIZE_PER_TENSOR,
} from '../../../../aten/index.ts';
import { type DType, type IntegerRange, integerRange, Tensor } from '../../../../tensor/index.ts';
import type { OnnxCall, OnnxEmitter, OnnxValue } from '../emitter.ts';

/** Dtypes that are written as quantized tensors. */
const quantizedDtypes = ['uint8', 'int8', 'uint16', 'int16'] as const;

function rangeOf(dtype: DType): IntegerRange {
  const quantized = quantizedDtypes.find((each) => each === dtype);
  if (!quantized) throw new Error(`ONNX has no quantized tensors of dtype ${dtype}`);
  return integerRange(quantized);
}

/**
 * ONNX saturates to the whole range of the dtype. A narrower range (reduce_range: 0..127) becomes a Clip of the
 * float values before the QuantizeLinear.
 */
function clipToRange(
  call: OnnxCall,
  x: OnnxValue,
  scale: number,
  zeroPoint: number,
  dtype: DType,
): OnnxValue {
  const full = rangeOf(dtype);
  const [min, max] = [call.args.number('quant_min'), call.args.number('quant_max')];
  if (min === full.min && max === full.max) return x;
  return call.intermediate(
    'clip',
    'Clip',
    [x, call.scalar('min', (min - zeroPoint) * scale), call.scalar('max', (max - zeroPoint) * scale)],
    {},
    x,
  );
}

function perTensorParameters(call: OnnxCall, dtype: DType) {
  rangeOf(dtype);
  const [scale, zeroPoint] = [call.args.number('scale'), call.args.number('zero_point')];
  return {
    scale,
    zeroPoint,
    inputs: [call.scalar('scale', scale), call.constant('zero_point', Tensor.scalar(dtype, zeroPoint))],
  };
}

/** `quantize_…` and `dequantize_…` as QuantizeLinear and DequantizeLinear. */
export const quantizationEmitters: Readonly<Record<string, OnnxEmitter>> = {
  [QUANTIZE_PER_TENSOR]: (call) => {
    const dtype = call.args.dtype('dtype');
    const { scale, zeroPoint, inputs } = perTensorParameters(call, dtype);
    const x = clipToRange(call, call.args.tensor('input'), scale, zeroPoint, dtype);
    return call.result('QuantizeLinear', [x, ...inputs]);
  },
  [DEQUANTIZE_PER_TENSOR]: (call) => {
    const input = call.args.tensor('input');
    const { scale, inputs } = perTensorParameters(call, input.dtype);
    const value = call.result('DequantizeLinear', [input, ...inputs]);
    return { ...value, scales: Float32Array.of(scale) };
  },
  [DEQUANTIZE_PER_CHANNEL]: (call) => {
    const input = call.args.tensor('input');
    rangeOf(input.dtype);
    const scales = call.args.tensor('scales');
    const zeroPoints = call.args.optionalTensor('zero_points');
    if (!scales.constant || (zeroPoints && !zeroPoints.constant))
      throw new Error('scales and zero points must be constants');
    const scaleValues = Tensor.from('float32', scales.constant.toArray());
    const zeros = zeroPoints?.constant?.toArray() ?? scales.constant.toArray().fill(0);
    const value = call.result(
      'DequantizeLinear',
      [
        input,
        call.constant('scales', scaleValues),
        call.constant('zero_points', Tensor.from(input.dtype, zeros)),
      ],
      { axis: call.args.number('axis') },
    );
    return { ...value, scales: scaleValues.data as Float32Array };
  },
};

/**
 * A bias as int8 kernels expect it: int32 in units of input scale times weight scale, with its DequantizeLinear.
 * Rounding changes a result by at most half a unit. The bias stays float32 if its layer is not quantized, or if it does
 * not fit int32.
 */
export function quantizedBias(call: OnnxCall, x: OnnxValue, weight: OnnxValue, bias: OnnxValue | null) {
  if (!bias?.constant || x.scales?.length !== 1 || !weight.scales) return bias;
  const values = bias.constant.toArray();
  const units = weight.scales.map((scale) => scale * x.scales![0]);
  if (units.length !== 1 && units.length !== values.length) return bias;
  const rounded = values.map((value, channel) => Math.round(value / units[units.length === 1 ? 0 : channel]));
  if (rounded.some((value) => Math.abs(value) > integerRange('int32').max)) return bias;
  const perChannel = units.length > 1;
  return call.intermediate(
    'bias',
    'DequantizeLinear',
    [
      call.constant('bias_int32', Tensor.from('int32', rounded)),
      call.constant('bias_scale', Tensor.from('float32', units, perChannel ? [units.length] : [])),
    ],
    perChannel ? { axis: 0 } : {},
    bias,
  );
}
