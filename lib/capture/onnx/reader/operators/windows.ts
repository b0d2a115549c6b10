import type { OnnxCall } from '../call.ts';
import type { OnnxValue } from '../values.ts';
import { padWith } from './common.ts';

/** The windows of a convolution or pooling, by spatial dimension. */
export interface Window {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  /** Elements added in front of the first one, and after the last one. */
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/**
 * The windows that a node's attributes say.
 * @throws Error when a list is not as long as there are spatial dimensions, or the input is not.
 */
export function windowOf(call: OnnxCall, kernel: readonly number[]): Window {
  const { attributes } = call;
  const rank = kernel.length;
  if (call.input(0).shape.length !== rank + 2)
    throw new Error(
      `the input must have ${rank + 2} dimensions for a kernel of [${kernel.join(', ')}], got [${call.input(0).shape.join(', ')}]`,
    );
  const ones = kernel.map(() => 1);
  const stride = attributes.ints('strides', ones);
  const dilation = attributes.ints('dilations', ones);
  for (const [name, list] of Object.entries({ strides: stride, dilations: dilation, kernel_shape: kernel }))
    if (list.length !== rank || list.some((each) => each < 1))
      throw new Error(`the attribute '${name}' must be ${rank} numbers above 0, got [${list.join(', ')}]`);
  return { kernel, stride, dilation, ...padsOf(call, kernel, stride, dilation) };
}

function padsOf(
  call: OnnxCall,
  kernel: readonly number[],
  stride: readonly number[],
  dilation: readonly number[],
): Pick<Window, 'before' | 'after'> {
  const { attributes } = call;
  const rank = kernel.length;
  const auto = attributes.string('auto_pad', 'NOTSET');
  if (auto === 'VALID') return { before: kernel.map(() => 0), after: kernel.map(() => 0) };
  if (auto === 'NOTSET' || auto === '') {
    const pads = attributes.ints('pads', Array(2 * rank).fill(0));
    if (pads.length !== 2 * rank)
      throw new Error(`the attribute 'pads' must be ${2 * rank} numbers, got [${pads.join(', ')}]`);
    return { before: pads.slice(0, rank), after: pads.slice(rank) };
  }
  if (auto !== 'SAME_UPPER' && auto !== 'SAME_LOWER') throw new Error(`auto_pad '${auto}' is unknown`);
  const totals = kernel.map((size, i) => {
    const span = dilation[i] * (size - 1) + 1;
    if (stride[i] === 1) return span - 1;
    const extent = call.static(call.input(0).shape[2 + i], `an extent that is padded by ${auto}`);
    return Math.max(0, (Math.ceil(extent / stride[i]) - 1) * stride[i] + span - extent);
  });
  const [less, more] = [Math.floor, Math.ceil].map((round) => totals.map((total) => round(total / 2)));
  return auto === 'SAME_UPPER' ? { before: less, after: more } : { before: more, after: less };
}

/** The spatial dimensions padded with a number. */
export function padEnds(
  call: OnnxCall,
  x: OnnxValue,
  { before, after }: Pick<Window, 'before' | 'after'>,
  value: number,
): OnnxValue {
  return padWith(call, x, [0, 0, ...before], [0, 0, ...after], value);
}
