import { DEQUANTIZE_PER_TENSOR, QUANTIZE_PER_TENSOR } from '../aten/index.ts';
import { type Node, tensorMeta } from '../graph/index.ts';
import { type DType, integerRange } from '../tensor/index.ts';
import type { GraphEditor, Place } from '../transforms/editor.ts';

/** A value in the form in which `like` gives it: float, or quantized. */
export function inFormOf(editor: GraphEditor, like: Node, value: Node, place: Place): Node {
  const dtype = tensorMeta(like)?.dtype ?? 'float32';
  const parameters = parametersOf(like, dtype);
  const float = realValue(editor, value, place);
  if (parameters) return editor.call(QUANTIZE_PER_TENSOR, [float, ...parameters], place);
  return dtype === 'float32' ? float : editor.call('aten.to.dtype', [float, dtype], place);
}

/** The value of a node as float32: what integers with a numeric debug handle stand for, any other number as it is. */
export function realValue(editor: GraphEditor, node: Node, place: Place): Node {
  const { dtype } = tensorMeta(node)!;
  const parameters = parametersOf(node, dtype);
  if (parameters) return editor.call(DEQUANTIZE_PER_TENSOR, [node, ...parameters], place);
  return dtype === 'float32' ? node : editor.call('aten.to.dtype', [node, 'float32'], place);
}

/** What the integers of a node mean, as quantize and dequantize calls say it. */
function parametersOf({ meta }: Node, dtype: DType) {
  const qparams = meta.numericDebugHandle?.qparams;
  const range = integerRange(dtype);
  return qparams && range && ([qparams.scale, qparams.zeroPoint, range.min, range.max, dtype] as const);
}
