import { type Dim, mulDims } from '../../../../../graph/index.ts';
import type { Tensor } from '../../../../../tensor/index.ts';
import type { OnnxCall } from '../../call.ts';
import type { ConstantValue, OnnxValue } from '../../values.ts';
import { replaced, upTo } from '../common.ts';
import type { Range } from './computed-parameters.ts';
import { type Affine, dequantize, quantize } from './quantization.ts';

/**
 * Scales of blocks: along one axis each run of `size` elements has its own. A block is read as a channel of the tensor
 * under another shape; where a block is all of the axis it is a channel as it is.
 *
 *     x [N, K] in blocks of B   ⇒   view(quantize_per_channel(view(x, [N * K / B, B]), axis 0), [N, K])
 */
export interface Blocks {
  readonly axis: number;
  readonly size: number;
  /** In the order of the tensor's elements, `axis` last. */
  readonly scales: readonly number[];
  readonly zeroPoints: readonly number[];
}

/**
 * The blocks that a node's attributes and two inputs say.
 * @throws Error when the scales are not one a block, or are known only at run time.
 */
export function blocksOf(call: OnnxCall, x: OnnxValue): Blocks {
  const size = call.attributes.int('block_size');
  if (size < 1) throw new Error(`the attribute 'block_size' must be above 0, got ${size}`);
  const rank = x.shape.length;
  const axis = call.axis(call.attributes.int('axis', 1), rank);
  const scale = call.known(1, 'the scale');
  const extent = call.static(x.shape[axis], 'an extent in blocks');
  const expected = replaced(x.shape, axis, Math.ceil(extent / size));
  const isRight = (shape: readonly Dim[]) => shape.join() === expected.join();
  if (!isRight(scale.shape))
    throw new Error(
      `blocks of ${size} along axis ${axis} of [${x.shape.join(', ')}] need scales of [${expected.join(', ')}], got [${scale.shape.join(', ')}]`,
    );
  const zeroPoint = call.optional(2) ? call.known(2, 'the zero point') : undefined;
  if (zeroPoint && !isRight(zeroPoint.shape))
    throw new Error(
      `the zero points must be [${expected.join(', ')}], as the scales are, got [${zeroPoint.shape.join(', ')}]`,
    );
  const ordered = (tensor: Tensor): number[] =>
    (call.call('aten.permute.default', call.constant(tensor), lastOrder(rank, axis)) as ConstantValue).tensor
      .toArray()
      .map(Number);
  const scales = ordered(scale);
  return { axis, size, scales, zeroPoints: zeroPoint ? ordered(zeroPoint) : scales.map(() => 0) };
}

const lastOrder = (rank: number, axis: number): number[] => [
  ...upTo(rank).filter((each) => each !== axis),
  axis,
];

/** Computes with a tensor whose blocks are rows. */
function byBlocks(
  call: OnnxCall,
  x: OnnxValue,
  { axis, size, scales, zeroPoints }: Blocks,
  compute: (rows: OnnxValue, affine: Affine) => OnnxValue,
): OnnxValue {
  const rank = x.shape.length;
  const extent = x.shape[axis] as number;
  const others = x.shape.filter((_, i) => i !== axis);
  const channels = { scales, zeroPoints };
  // One block: its scale is that of a channel, if there is one other axis.
  if (size >= extent && rank === 2) return compute(x, { ...channels, axis: 1 - axis });
  const there = lastOrder(rank, axis);
  const isLast = axis === rank - 1;
  const moved = isLast ? x : call.call('aten.permute.default', x, there);
  const whole = Math.ceil(extent / size) * size;
  const filled =
    whole === extent ? moved : call.call('aten.constant_pad_nd.default', moved, [0, whole - extent], 0);
  const rows = call.reshape(filled, [mulDims(...others, whole / size), size]);
  const computed = call.reshape(compute(rows, { ...channels, axis: 0 }), [...others, whole]);
  const cut = whole === extent ? computed : call.call('aten.slice.Tensor', computed, rank - 1, 0, extent, 1);
  const back = upTo(rank).map((each) => there.indexOf(each));
  return isLast ? cut : call.call('aten.permute.default', cut, back);
}

export const quantizeBlocks = (call: OnnxCall, x: OnnxValue, blocks: Blocks, range: Range): OnnxValue =>
  byBlocks(call, x, blocks, (rows, affine) => quantize(call, rows, affine, range));

/** Constant integers stay, as the rows that they are dequantized in. */
export const dequantizeBlocks = (call: OnnxCall, x: OnnxValue, blocks: Blocks): OnnxValue =>
  byBlocks(call, x, blocks, (rows, affine) => dequantize(call, rows, affine));
