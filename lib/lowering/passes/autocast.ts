import { type Argument, isArgumentList, isTensorMeta, Node } from '../../graph/index.ts';
import { autocastFactors } from '../../transforms/autocast-factors.ts';
import type { Pass, PassContext } from '../pass.ts';

/** The element type that products are computed in. */
const narrow = 'bfloat16';

/** A cast: `aten.to.dtype(x, dtype)`. */
export const castTo = 'aten.to.dtype';

/** Products of floats, each with its factors: fused ones beside ATen's. */
const factors: Readonly<Record<string, readonly string[]>> = {
  ...autocastFactors,
  'mkldnn._convolution_pointwise.default': ['X', 'W'],
  'mkldnn._convolution_pointwise.binary': ['X', 'W'],
  'mkldnn._linear_pointwise.default': ['X', 'W'],
  'mkldnn._linear_pointwise.binary': ['X', 'W'],
  'octavo.weight_only_linear.default': ['x'],
  // States stay float32: they would be rounded at every step.
  'octavo.lstm_layer.default': ['weight_ih', 'weight_hh'],
  'octavo.gru_layer.default': ['weight_ih', 'weight_hh'],
  'octavo.gru_layer.reset_first': ['weight_ih', 'weight_hh'],
  'octavo.rnn_layer.default': ['weight_ih', 'weight_hh'],
};

/**
 * Fused operators with an argument for their result's dtype, and the operands that determine it. Products of 8-bit
 * integers always return bfloat16.
 */
const outputForms: Readonly<Record<string, readonly string[]>> = {
  'onednn.qconv1d_pointwise.default': [],
  'onednn.qconv2d_pointwise.default': [],
  'onednn.qconv2d_pointwise.binary': ['qaccum'],
  'onednn.qlinear_pointwise.default': [],
  'onednn.qlinear_pointwise.tensor': [],
  'onednn.qlinear_pointwise.binary': ['other'],
  'onednn.qlinear_pointwise.binary_tensor': ['other'],
  'octavo.matmul.default': [],
  'octavo.qscaled_dot_product.default': [],
  'octavo.binary.default': ['a', 'b'],
  'octavo.batch_norm.default': ['input'],
  'octavo.layer_norm.default': ['input'],
  'octavo.softmax.default': ['input'],
};

/** Operators whose kernels read float32 alone, with these operands (PyTorch's autocast widens them as well). */
const widened: Readonly<Record<string, readonly string[]>> = {
  'aten.grid_sampler.default': ['input', 'grid'],
  'aten.grid_sampler_2d.default': ['input', 'grid'],
  'aten.grid_sampler_3d.default': ['input', 'grid'],
  'aten.affine_grid_generator.default': ['theta'],
};

/** Operators that write elements of one tensor into another: the written ones have the dtype of `self`. */
const written: Readonly<Record<string, string>> = {
  'aten.scatter.src': 'src',
  'aten.scatter.reduce': 'src',
  'aten.scatter_add.default': 'src',
  'aten.scatter_reduce.two': 'src',
  'aten.slice_scatter.default': 'src',
  'aten.select_scatter.default': 'src',
  'aten.index_add.default': 'source',
  'aten.index_copy.default': 'source',
  'aten.index_reduce.default': 'source',
  'aten.index_fill.int_Tensor': 'value',
  'aten.index_put.default': 'values',
  'aten._unsafe_index_put.default': 'values',
};

const joins: readonly string[] = ['aten.cat.default', 'aten.concat.default', 'aten.concatenate.default'];

/**
 * Products compute in bfloat16. Following operators inherit it by PyTorch's type promotion; graph outputs keep their
 * dtype (counterpart: `torch.autocast(device_type='cpu', dtype=torch.bfloat16)`).
 *
 *     x ──┐                                         x → to(bfloat16) ──┐
 *     w ──┤ conv | linear | matmul → softmax → y    w → to(bfloat16) ──┤ conv → softmax → to(float32) → y
 *     b ──┘                                    ⇒    b ─────────────────┘
 *
 *     q (int8) → qconv | qlinear(…, float32) → y    ⇒    q (int8) → qconv | qlinear(…, bfloat16) → y
 *
 * A result with a quantize after it is never floating point, so 8-bit integers between quantized operators stay. A
 * quantize reads bfloat16. Dequantized integers are float32, and adding bfloat16 to them produces float32. Of a recurrent
 * layer the weights alone are cast: its result keeps its input's dtype.
 */
export const autocast: Pass = {
  name: 'autocast',
  run(context) {
    const { outputNode } = context.graph;
    const [returned] = outputNode.args;
    const results: readonly Argument[] = isArgumentList(returned) ? returned : [returned];
    const dtypes = results.map((result) => (result instanceof Node ? dtypeOf(result) : undefined));
    let count = 0;
    for (const node of context.graph.nodes) {
      if (node.op !== 'call_function') continue;
      const before = dtypeOf(node);
      narrowArguments(context, node);
      context.inferAgain(node);
      if (before !== narrow && dtypeOf(node) === narrow) count++;
    }
    const kept = results.map((result, i) => {
      const dtype = dtypes[i];
      return result instanceof Node && dtype ? cast(context, outputNode, result, dtype) : result;
    });
    outputNode.setArguments(isArgumentList(returned) ? [kept] : kept);
    return count;
  },
};

/** A node's dtype; for several tensors, that of the first. */
function dtypeOf({ meta: { val } }: Node): string | undefined {
  const first = Array.isArray(val) ? val[0] : val;
  return isTensorMeta(first) ? first.dtype : undefined;
}

function narrowArguments(context: PassContext, node: Node): void {
  const { target } = node;
  if (joins.includes(target)) widenParts(context, node);
  if (target in widened) castArguments(context, node, widened[target], 'float32');
  if (target in written) {
    const { self } = context.named(node);
    castArguments(context, node, [written[target]], context.meta(self as Node).dtype);
  }
  const names = factors[target];
  const operands = outputForms[target];
  if (!names && !operands) return;
  if (names) castArguments(context, node, names, narrow);
  const given = context.named(node);
  if (!operands || given.output_dtype !== 'float32') return;
  const { shape } = context.meta(node);
  const inherits = operands.every((name) => {
    const operand = context.meta(given[name] as Node);
    const isNumber = operand.shape.length === 0 && shape.length > 0;
    return operand.dtype === narrow || isNumber;
  });
  if (inherits) context.setArguments(node, { ...given, output_dtype: narrow });
}

function castArguments(context: PassContext, node: Node, names: readonly string[], dtype: string): void {
  const given = context.named(node);
  const casts = names.map((name) => [name, cast(context, node, given[name] as Node, dtype)] as const);
  context.setArguments(node, { ...given, ...Object.fromEntries(casts) });
}

/** Concatenation requires parts of one dtype: the widest. */
function widenParts(context: PassContext, node: Node): void {
  const [parts, ...rest] = node.args;
  if (!isArgumentList(parts)) return;
  const dtypes = new Set(parts.map((part) => context.meta(part as Node).dtype));
  if (dtypes.size < 2) return;
  node.setArguments([parts.map((part) => cast(context, node, part as Node, 'float32')), ...rest]);
}

/**
 * The node cast to `dtype`. Returns the node itself if it already has that dtype, or is neither float32 nor bfloat16.
 */
function cast(context: PassContext, before: Node, node: Node, dtype: string): Node {
  const given = context.meta(node).dtype;
  if (given === dtype || (given !== 'float32' && given !== narrow)) return node;
  return context.call(castTo, [node, dtype], { before });
}
