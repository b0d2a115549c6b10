import { DEQUANTIZE_PER_TENSOR } from '../../aten/index.ts';
import { type Argument, Node, onlyUser } from '../../graph/index.ts';
import { integerRange, Tensor } from '../../tensor/index.ts';
import type { Pass, PassContext } from '../pass.ts';
import { isDequantize, isQuantize, qparamsOf, sameQParams } from '../patterns/affine-parameters.ts';

/** Weights of larger images would take more memory than the images. */
const mostPixels = 32 * 32;

/**
 * The average of an image of 8-bit integers is a depthwise convolution with ones and the scale 1/(HW), which sums
 * integers and quantizes once: for results with other parameters, which no pooling of integers has.
 *
 *     x → dequantize(s, z) → adaptive_avg_pool2d(1, 1) | mean(H, W) → quantize(t, y)
 *
 *         ⇒   x → dequantize(s, z) → conv2d(dequantize(ones, 1/(HW)), groups = C) → quantize(t, y)
 */
export const requantizedAverage: Pass = {
  name: 'requantized-average',
  run(context) {
    let count = 0;
    for (const node of context.graph.nodes) {
      const [dequantize] = node.args;
      const quantize = onlyUser(node);
      if (!isDequantize(dequantize) || !isQuantize(quantize) || !isWholeAverage(context, node)) continue;
      if (sameQParams(qparamsOf(dequantize), qparamsOf(quantize))) continue;
      const [, channels, height, width] = context.meta(dequantize).shape;
      if (typeof channels !== 'number' || typeof height !== 'number' || typeof width !== 'number') continue;
      if (height * width > mostPixels) continue;
      rewrite(context, node, dequantize, [channels, 1, height, width]);
      count++;
    }
    return count;
  },
};

/** Whether it averages all of an image. */
function isWholeAverage(context: PassContext, node: Node): boolean {
  const [dequantize] = node.args;
  if (!(dequantize instanceof Node) || context.meta(dequantize).shape.length !== 4) return false;
  if (node.target === 'aten.adaptive_avg_pool2d.default')
    return String(context.args(node).numbers('output_size')) === '1,1';
  if (node.target !== 'aten.mean.dim') return false;
  const axes = context.args(node).optionalNumbers('dim') ?? [];
  return String(axes.map((axis) => (axis + 4) % 4).sort()) === '2,3';
}

function rewrite(context: PassContext, node: Node, dequantize: Node, shape: readonly number[]): void {
  const [channels, , height, width] = shape;
  const pixels = height * width;
  const place = { before: node, like: [node] };
  const ones = new Tensor('int8', new Int8Array(channels * pixels).fill(1), shape);
  const { min, max } = integerRange('int8')!;
  const weight = context.call(
    DEQUANTIZE_PER_TENSOR,
    [context.constant('average_weight', ones, place), 1 / pixels, 0, min, max, 'int8'],
    place,
  );
  const args: readonly Argument[] = [dequantize, weight, null, [1, 1], [0, 0], [1, 1], channels];
  if (context.meta(node).shape.length === 4) context.replace(node, 'aten.conv2d.default', args);
  else
    context.replace(node, 'aten.flatten.using_ints', [context.call('aten.conv2d.default', args, place), 1]);
}
