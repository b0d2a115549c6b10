import {
  DEQUANTIZE_PER_CHANNEL,
  DEQUANTIZE_PER_TENSOR,
  DEQUANTIZE_PER_TENSOR_DYNAMIC,
} from '../../aten/index.ts';
import { type Argument, type GraphModule, isCall, Node, tensorMeta } from '../../graph/index.ts';
import { roundHalfToEven, Tensor } from '../../tensor/index.ts';
import { GraphEditor } from '../../transforms/editor.ts';
import { fullRangeOf } from '../quantized-dtype.ts';

const layers = {
  'aten.conv1d.default': 'octavo.integer_convolution.default',
  'aten.conv2d.default': 'octavo.integer_convolution.default',
  'aten.linear.default': 'octavo.integer_linear.default',
} as const;

/** A layer's parameters, as integers and the scales of their products. */
interface IntegerParameters {
  readonly zeroPoint: number;
  /** Of input times weight, by output channel. */
  readonly scale: Float32Array;
  /** The int32 bias, null where there is none. */
  readonly bias: Tensor | null;
}

/**
 * Rewrites layers between dequantize and quantize nodes into integer arithmetic (counterpart:
 * `reference_representation_rewrite`): 8- or 16-bit integers times integers, an int32 bias with the scale of input times
 * weight, summed to int32; the result becomes real by one dequantize node with that scale.
 *
 *     dequantize(x), dequantize(w), b → linear | conv1d | conv2d → y
 *         ⇒   integer_linear | integer_convolution(x, zero point, w, b / scale) → dequantize_per_channel(scale) → y
 *
 * Of dynamically quantized layers, linear ones are rewritten; their scale and bias come last, in real numbers, as they
 * are not known before. Weights with zero points stay as they are.
 */
export function representAsIntegers(module: GraphModule): void {
  const editor = new GraphEditor(module);
  for (const node of module.graph.nodes) {
    if (!isCall(node, ...Object.keys(layers))) continue;
    const result = integerLayer(editor, node);
    if (!result) continue;
    result.meta = { ...node.meta };
    editor.replaceWith(node, result);
  }
  module.graph.eliminateDeadCode();
}

/** The node that gives a layer's result by integers; undefined where the layer is not quantized for that. */
function integerLayer(editor: GraphEditor, node: Node): Node | undefined {
  const [input, weight, bias = null] = node.args as readonly [Node, Node, (Node | null)?];
  const meta = tensorMeta(node);
  if (!meta) return undefined;
  const axis = node.target === 'aten.linear.default' ? meta.shape.length - 1 : 1;
  const { module, graph } = editor;
  const scales = scalesOf(module, weight, Number(meta.shape[axis]));
  if (!scales) return undefined;
  /** The int32 sums of `target`, made real. */
  const real = (target: string, args: readonly Argument[], scale: Float32Array): Node => {
    const sum = graph.callFunction(target, args);
    sum.meta = { ...node.meta, val: { ...meta, dtype: 'int32' } };
    const stored = editor.constant('_scale_0', new Tensor('float32', scale, [scale.length]), {
      before: node,
    });
    const { quantMin, quantMax } = fullRangeOf('int32');
    return graph.callFunction(DEQUANTIZE_PER_CHANNEL, [sum, stored, null, axis, quantMin, quantMax, 'int32']);
  };
  if (isCall(input, DEQUANTIZE_PER_TENSOR_DYNAMIC) && node.target === 'aten.linear.default')
    return graph.insertingBefore(node, () => {
      const [quantized, scale, zeroPoint] = input.args;
      const args = [quantized, zeroPoint, weight.args[0]];
      const steps = real('octavo.integer_linear.dynamic', args, scales);
      const step = graph.callFunction('aten.to.dtype', [scale, 'float32']);
      const product = graph.callFunction('aten.mul.Tensor', [steps, step]);
      return bias ? graph.callFunction('aten.add.Tensor', [product, bias]) : product;
    });
  const parameters = integerParameters(module, input, scales, bias);
  if (!parameters) return undefined;
  return graph.insertingBefore(node, () => {
    const offset = parameters.bias && editor.constant('_bias_0', parameters.bias, { before: node });
    const args = [input.args[0], parameters.zeroPoint, weight.args[0], offset, ...geometryOf(editor, node)];
    return real(layers[node.target as keyof typeof layers], args, parameters.scale);
  });
}

function geometryOf(editor: GraphEditor, node: Node): Argument[] {
  if (node.target === 'aten.linear.default') return [];
  const args = editor.args(node);
  const lists = ['stride', 'padding', 'dilation'].map((name) => args.numbers(name));
  return [...lists, args.number('groups')];
}

function integerParameters(
  module: GraphModule,
  input: Node,
  scales: Float32Array,
  bias: Node | null,
): IntegerParameters | undefined {
  if (!isCall(input, DEQUANTIZE_PER_TENSOR)) return undefined;
  const [, inputScale, zeroPoint] = input.args as readonly number[];
  const scale = scales.map((s) => Math.fround(s * inputScale));
  if (bias === null) return { zeroPoint, scale, bias: null };
  const real = realBias(module, bias);
  if (!real) return undefined;
  const quantized = real.map((value, c) => roundHalfToEven(Math.fround(value / scale[c])));
  const { quantMin, quantMax } = fullRangeOf('int32');
  if (quantized.some((value) => value < quantMin || value > quantMax)) return undefined;
  return { zeroPoint, scale, bias: Tensor.from('int32', quantized) };
}

/** A scale for every output channel; undefined where the weight is not quantized symmetrically along these. */
function scalesOf(module: GraphModule, weight: Node, channels: number): Float32Array | undefined {
  const [, scale, zeroPoint, axis] = weight.args;
  if (isCall(weight, DEQUANTIZE_PER_TENSOR))
    return zeroPoint === 0 ? new Float32Array(channels).fill(scale as number) : undefined;
  if (!isCall(weight, DEQUANTIZE_PER_CHANNEL) || axis !== 0) return undefined;
  const isZero = module
    .attribute((zeroPoint as Node).target)
    .toArray()
    .every((value) => value === 0);
  return isZero ? Float32Array.from(module.attribute((scale as Node).target).toArray()) : undefined;
}

/** The bias's values: of a parameter, or of one that was quantized with derived parameters. */
function realBias(module: GraphModule, bias: Node): number[] | undefined {
  if (bias.op === 'get_attr') return module.attribute(bias.target).toArray();
  const [stored, scales] = bias.args;
  if (!isCall(bias, DEQUANTIZE_PER_CHANNEL) || !(stored instanceof Node) || stored.op !== 'get_attr')
    return undefined;
  const scale = module.attribute((scales as Node).target).toArray();
  return module
    .attribute(stored.target)
    .toArray()
    .map((value, c) => value * scale[c]);
}
