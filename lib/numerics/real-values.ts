import { DEQUANTIZE_PER_TENSOR, QUANTIZE_PER_TENSOR } from '../aten/index.ts';
import { type Node, tensorMeta } from '../graph/index.ts';
import { type DType, integerRange } from '../tensor/index.ts';
import type { GraphEditor } from '../transforms/editor.ts';

/** New nodes stand before the output, in the order in which they are made. */
const atEnd = ({ graph }: GraphEditor) => ({ before: graph.outputNode });

/** The value of a node as float32: what integers with a numeric debug handle stand for, any other number as it is. */
export function realValue(editor: GraphEditor, node: Node): Node {
  const { dtype } = tensorMeta(node)!;
  const parameters = parametersOf(node, dtype);
  if (parameters) return editor.call(DEQUANTIZE_PER_TENSOR, [node, ...parameters], atEnd(editor));
  return dtype === 'float32' ? node : editor.call('aten.to.dtype', [node, 'float32'], atEnd(editor));
}

/** A value in the form in which `like` gives it: float, or quantized. */
export function inFormOf(editor: GraphEditor, like: Node, value: Node): Node {
  const dtype = tensorMeta(like)?.dtype ?? 'float32';
  const parameters = parametersOf(like, dtype);
  const float = realValue(editor, value);
  if (parameters) return editor.call(QUANTIZE_PER_TENSOR, [float, ...parameters], atEnd(editor));
  return dtype === 'float32' ? float : editor.call('aten.to.dtype', [float, dtype], atEnd(editor));
}

/** What the integers of a node mean, as quantize and dequantize calls say it. */
function parametersOf({ meta }: Node, dtype: DType) {
  const qparams = meta.numericDebugHandle?.qparams;
  const range = integerRange(dtype);
  return qparams && range && ([qparams.scale, qparams.zeroPoint, range.min, range.max, dtype] as const);
}
