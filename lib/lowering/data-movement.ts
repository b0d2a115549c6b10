/** Operators that move, drop or repeat elements, or take the greatest of several, but compute nothing. */

/**
 * Whether quantize and dequantize (per tensor, with a positive scale) commute with the operator: it gives elements of
 * its input, and only compares them. What holds for floats then holds for the 8-bit integers that stand for them.
 */
export function movesData(target: string): boolean {
  return singleInput.has(target) || severalInputs.has(target);
}

/** Whether the result has fewer elements than the input, or drops some: quantizing early would do needless work. */
export function dropsData(target: string): boolean {
  return dropping.has(target);
}

/** Whether the result repeats elements: dequantizing late would do needless work. */
export function repeatsData(target: string): boolean {
  return repeating.has(target);
}

const dropping = new Set(['aten.slice.Tensor', 'aten.select.int', 'aten.narrow.default']);
const repeating = new Set(['aten.expand.default', 'aten.repeat.default', 'aten.upsample_nearest2d.vec']);
const singleInput = new Set([
  ...dropping,
  ...repeating,
  'aten._unsafe_view.default',
  'aten.channel_shuffle.default',
  'aten.flatten.using_ints',
  'aten.max_pool1d.default',
  'aten.max_pool2d.default',
  'aten.permute.default',
  'aten.pixel_shuffle.default',
  'aten.reshape.default',
  'aten.squeeze.default',
  'aten.squeeze.dim',
  'aten.squeeze.dims',
  'aten.t.default',
  'aten.transpose.int',
  'aten.unflatten.int',
  'aten.unsqueeze.default',
  'aten.view.default',
]);
/** Their first argument is the list of inputs. */
const severalInputs = new Set(['aten.cat.default', 'aten.concat.default', 'aten.stack.default']);
