import { expect, it } from 'vitest';
import { addon } from '../../lib/native/addon.ts';
import { arrayTypeOf } from '../../lib/tensor/index.ts';

/** How many elements are wrong after pixels of some channels were copied from a wider image into another one. */
function wrongElements(
  dtype: 'uint8' | 'float32',
  channels: number,
  gaps: readonly [number, number],
): number {
  const shape = [2, channels, 3, 7];
  const [from, into] = gaps.map((gap) => channels + gap);
  const stridesOf = (step: number) => [21 * step, 1, 7 * step, step];
  // No more than what belongs to the tensors: the last pixel has nothing behind it.
  const lengthOf = (step: number) => 41 * step + channels;
  const Elements = arrayTypeOf(dtype) as typeof Float32Array;
  const source = Elements.from({ length: lengthOf(from) }, (_, i) => (i * 7) % 251);
  const result = new Elements(lengthOf(into)).fill(255);
  addon.execute(
    { op: 'copy', node: 'case', attributes: {} },
    [{ dtype, shape, strides: stridesOf(from), data: source }],
    [{ dtype, shape, strides: stridesOf(into), data: result }],
  );
  return result.filter((value, at) => {
    const c = at % into;
    return value !== (c < channels ? source[Math.floor(at / into) * from + c] : 255);
  }).length;
}

it.each(['uint8', 'float32'] as const)(
  'rows of a few %s are copied into wider pixels, and nothing else',
  (dtype) => {
    for (let channels = 1; channels <= 200; channels++)
      for (const gaps of [
        [0, 3],
        [5, 0],
        [1, 40],
      ] as const)
        expect({ channels, gaps, wrong: wrongElements(dtype, channels, gaps) }).toEqual({
          channels,
          gaps,
          wrong: 0,
        });
  },
);
