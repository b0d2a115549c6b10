import { DEQUANTIZE_PER_TENSOR, QUANTIZE_PER_TENSOR } from '../aten/index.ts';
import { GraphModule, isCall } from '../graph/index.ts';
import { lower } from '../lowering/index.ts';
import { convertPt2e } from '../quantization/index.ts';
import { fullRangeOf, type QuantizedDType } from '../quantization/quantized-dtype.ts';

/**
 * Turns a calibrated or trained model into one of quantized operators (counterpart: `torch.ao.quantization.quantize_fx.convert_fx`), for
 * `compile`: that of {@link convertToReferenceFx}, lowered. What no kernel computes on integers is computed in floating point between
 * dequantize and quantize; `report` of the compiled model says where and why. `prepared` itself is left as it is.
 *
 * Sums of products are exact. PyTorch's own kernels saturate them on CPUs without VNNI, which is why its default configurations limit
 * activations to 0..127.
 *
 * @example
 * const model = compile(convertFx(prepared));
 * @throws Error when `prepareFx` or `prepareQatFx` did not make the model, or that names observer and tensor when calibration has not
 * reached it.
 */
export function convertFx(prepared: GraphModule): GraphModule {
  return lower(reference(prepared, 'convertFx')).module;
}

/**
 * Turns a calibrated or trained model into floating point operators between quantize and dequantize nodes, with quantized weights
 * (counterpart: `torch.ao.quantization.quantize_fx.convert_to_reference_fx`): what other backends, `lower` and `exportOnnx` take.
 * `prepared` itself is left as it is.
 * @throws Error as {@link convertFx} does.
 */
export function convertToReferenceFx(prepared: GraphModule): GraphModule {
  return reference(prepared, 'convertToReferenceFx');
}

function reference(prepared: GraphModule, where: string): GraphModule {
  if (!GraphModule.accept(prepared, where).meta.isPreparedByFx)
    throw new Error(`${where}: the model was not made by prepareFx or prepareQatFx`);
  const converted = convertPt2e(prepared);
  useWholeDTypes(converted);
  return converted;
}

/**
 * FX graph mode's tensors are of PyTorch's quantized dtypes, which hold what their integers do, whatever range the observer was limited to:
 * 0 to 127 leaves room for values twice as large as those that calibration saw.
 */
function useWholeDTypes({ graph }: GraphModule): void {
  for (const node of graph.nodes) {
    if (!isCall(node, QUANTIZE_PER_TENSOR, DEQUANTIZE_PER_TENSOR)) continue;
    const [input, scale, zeroPoint, , , dtype] = node.args;
    const { quantMin, quantMax } = fullRangeOf(dtype as QuantizedDType);
    node.setArguments([input!, scale!, zeroPoint!, quantMin, quantMax, dtype!]);
  }
}
