import * as ops from '../../aten/index.ts';
import {
  type Argument,
  describeValue,
  GET_ITEM,
  type Graph,
  type GraphModule,
  type Node,
  type OperatorLibrary,
  tensorMeta,
} from '../../graph/index.ts';
import { saturateToFloat16 } from '../../tensor/index.ts';
import { GraphEditor } from '../../transforms/editor.ts';
import type { ObserverOrFakeQuantize } from '../observers/index.ts';
import { isPerChannel, isSymmetric } from '../qscheme.ts';
import { fullRangeOf, isQuantizedDType, type QuantizedDType } from '../quantized-dtype.ts';
import { ConstantEvaluator } from './constant-evaluator.ts';

/**
 * Turns every observer into a quantize and a dequantize node with the parameters it found (counterpart: `convert` of
 * `torch.ao.quantization.fx`). Dynamic ones also get a node that chooses parameters; float16 ones become conversions there
 * and back, and so do bfloat16 ones, which PyTorch drops; those for float32 go.
 * @throws Error that names the observer and the tensor when an observer has seen nothing.
 */
export function replaceObservers(module: GraphModule, library: OperatorLibrary): void {
  observeConstants(module, library);
  const editor = new GraphEditor(module);
  for (const node of module.graph.nodes) {
    if (node.op !== 'call_module') continue;
    const observer = module.module(node.target) as ObserverOrFakeQuantize;
    const replacement = module.graph.insertingBefore(node, () => replace(editor, node, observer));
    editor.replaceWith(node, replacement);
  }
  module.graph.eliminateDeadCode();
}

/**
 * Weights need no calibration data: observers that have seen nothing, and that only parameters go through, or what is
 * computed from them, are run now.
 */
function observeConstants(module: GraphModule, library: OperatorLibrary): void {
  const evaluator = new ConstantEvaluator(module, library);
  for (const node of module.graph.nodes) {
    if (node.op !== 'call_module') continue;
    const observer = module.module(node.target) as ObserverOrFakeQuantize;
    if (observer.hasObserved) continue;
    try {
      const value = evaluator.evaluate(node);
      if (value) observer.forward(value);
    } catch (error) {
      throw new Error(`'${node}' on ${describeValue(node.args[0] as Node)}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
}

function replace(editor: GraphEditor, node: Node, observer: ObserverOrFakeQuantize): Node {
  const input = node.args[0] as Node;
  const { dtype } = observer;
  if (observer.isDynamic) return quantizeDynamically(editor.graph, input, observer);
  if (isQuantizedDType(dtype)) return quantizeStatically(editor, node, observer, dtype);
  if (dtype === 'float32') return input;
  if (dtype === 'float16') saturateConstant(editor.module, input);
  const { graph } = editor;
  const half = graph.callFunction(ops.CONVERT_ELEMENT_TYPE, [input, dtype]);
  return graph.callFunction(ops.CONVERT_ELEMENT_TYPE, [half, 'float32']);
}

/** Weights in float16 are finite. */
function saturateConstant({ attributes }: GraphModule, { op, target }: Node): void {
  const weight = op === 'get_attr' ? attributes.get(target) : undefined;
  if (weight?.dtype === 'float32') attributes.set(target, saturateToFloat16(weight, `'${target}'`));
}

function quantizeStatically(
  editor: GraphEditor,
  node: Node,
  observer: ObserverOrFakeQuantize,
  dtype: QuantizedDType,
): Node {
  const input = node.args[0] as Node;
  const { graph } = editor;
  const { scale, zeroPoint } = qparamsOf(node, observer);
  const range = rangeOf(observer, dtype);
  if (observer.qscheme && isPerChannel(observer.qscheme)) {
    const scope = scopeOf(input);
    const rest = [
      editor.constant(`${scope}_scale_0`, scale, { before: node }),
      editor.constant(`${scope}_zero_point_0`, zeroPoint, { before: node }),
      observer.chAxis ?? 0,
      ...range,
      dtype,
    ];
    const quantized = graph.callFunction(ops.QUANTIZE_PER_CHANNEL, [input, ...rest]);
    return graph.callFunction(ops.DEQUANTIZE_PER_CHANNEL, [quantized, ...rest], outDType(input));
  }
  const rest = [scale.item(), zeroPoint.item(), ...range, dtype];
  const quantized = graph.callFunction(ops.QUANTIZE_PER_TENSOR, [input, ...rest]);
  return graph.callFunction(ops.DEQUANTIZE_PER_TENSOR, [quantized, ...rest], outDType(input));
}

function quantizeDynamically(graph: Graph, input: Node, observer: ObserverOrFakeQuantize): Node {
  const { dtype, qscheme = 'per_tensor_affine', eps = 2 ** -23 } = observer;
  if (dtype !== 'uint8' && dtype !== 'int8')
    throw new Error(`'${input}' is quantized dynamically to ${dtype}; only uint8 and int8 can be`);
  const range = rangeOf(observer, dtype);
  const choose = isSymmetric(qscheme) ? ops.CHOOSE_QPARAMS_SYMMETRIC : ops.CHOOSE_QPARAMS;
  const chosen = graph.callFunction(choose, [input, ...range, eps, dtype]);
  const scale = graph.callFunction(GET_ITEM, [chosen, 0]);
  const zeroPoint = graph.callFunction(GET_ITEM, [chosen, 1]);
  const rest = [scale, zeroPoint, ...range, dtype];
  const quantized = graph.callFunction(ops.QUANTIZE_PER_TENSOR_DYNAMIC, [input, ...rest]);
  return graph.callFunction(ops.DEQUANTIZE_PER_TENSOR_DYNAMIC, [quantized, ...rest], outDType(input));
}

function qparamsOf(node: Node, observer: ObserverOrFakeQuantize) {
  try {
    return observer.calculateQparams();
  } catch (error) {
    throw new Error(`'${node}' on ${describeValue(node.args[0] as Node)}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function rangeOf(observer: ObserverOrFakeQuantize, dtype: QuantizedDType): readonly [number, number] {
  const full = fullRangeOf(dtype);
  return [observer.quantMin ?? full.quantMin, observer.quantMax ?? full.quantMax];
}

/** Dequantizing gives float32 unless told otherwise. */
function outDType(input: Node): Readonly<Record<string, Argument>> {
  const dtype = tensorMeta(input)?.dtype ?? 'float32';
  return dtype === 'float32' ? {} : { out_dtype: dtype };
}

/** The name of the innermost module a value comes from; empty for parameters. */
function scopeOf(node: Node): string {
  return node.meta.nnModuleStack?.at(-1)?.path.split('.').at(-1) ?? '';
}
