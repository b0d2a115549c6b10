import { CHOOSE_QPARAMS, QUANTIZE_PER_TENSOR_DYNAMIC } from '../../aten/index.ts';
import { GET_ITEM, isCall, type Node } from '../../graph/index.ts';
import type { Pass, PassContext } from '../pass.ts';
import { isDynamicDequantize } from '../patterns/affine-parameters.ts';
import { quantizedWeight } from '../patterns/quantized-weight.ts';

/**
 * LSTM and GRU layers whose input is quantized by its own range, and whose weights are 8-bit integers with a scale each,
 * compute on integers: they quantize the input themselves, and the states of every step by the same rule.
 *
 *     x → quantize → dequantize, by x's range ─┐
 *     w_ih, w_hh (s8) → dequantize ────────────┤ lstm_layer → …   ⇒   octavo.lstm_layer.dynamic(x, w_ih, …, w_hh, …) → …
 *     biases, first states ────────────────────┘
 */
export const quantizedRecurrent: Pass = {
  name: 'quantized-recurrent',
  run(context) {
    let count = 0;
    for (const node of context.graph.nodes)
      if (isCall(node, 'octavo.lstm_layer.default', 'octavo.gru_layer.default') && rewrite(context, node))
        count++;
    return count;
  },
};

/** The largest integer that the kernels take: see `native/kernels/recurrence/byte_panels.cc`. */
const LARGEST = 127;

function rewrite(context: PassContext, node: Node): boolean {
  const args = context.args(node);
  const input = args.tensor('input');
  if (!isDynamicDequantize(input)) return false;
  const x = quantizedByItsRange(input);
  const weights = ['weight_ih', 'weight_hh'].map((name) => quantizedWeight(context, args.tensor(name)));
  const [ofInput, ofState] = weights;
  const isProjected = args.schema.arguments.some(({ name }) => name === 'weight_hr' && !args.isNone(name));
  const reason =
    x === undefined
      ? `its input is not quantized by its own range to 0 to ${LARGEST}`
      : isProjected
        ? 'its state is projected'
        : weights.find((weight) => typeof weight === 'string');
  if (reason !== undefined || typeof ofInput === 'string' || typeof ofState === 'string') {
    context.refuse(node, String(reason));
    return false;
  }
  const isScalar = ({ scales }: { readonly scales: Node }) => context.meta(scales).shape[0] === 1;
  if (!isScalar(ofInput) || !isScalar(ofState)) {
    context.refuse(node, 'its weights have a scale for each row, not one');
    return false;
  }
  const states = node.target.startsWith('octavo.lstm') ? ['h_0', 'c_0'] : ['h_0'];
  context.replace(
    node,
    node.target.replace(/default$/, 'dynamic'),
    [
      ...[x!, ofInput.weight, ofInput.scales, ofState.weight, ofState.scales],
      ...['bias_ih', 'bias_hh', ...states, 'lengths'].map((name) => args.optionalTensor(name)),
      ...[args.bool('reverse'), args.bool('batch_first')],
    ],
    [...new Set([input, args.tensor('weight_ih'), args.tensor('weight_hh')])],
  );
  return true;
}

/** What is quantized, if the parameters are those of its own range. */
function quantizedByItsRange(dequantize: Node): Node | undefined {
  const [quantize, scale] = dequantize.args as readonly Node[];
  if (!isCall(quantize, QUANTIZE_PER_TENSOR_DYNAMIC) || !isCall(scale, GET_ITEM)) return undefined;
  const [x, , , low, high] = quantize.args;
  const chosen = scale.args[0] as Node;
  const isIts = isCall(chosen, CHOOSE_QPARAMS) && chosen.args[0] === x;
  return isIts && low === 0 && high === LARGEST ? (x as Node) : undefined;
}
