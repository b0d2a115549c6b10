import { describe, expect, it } from 'vitest';
import { bfloat16ToFloat, floatToBfloat16 } from '../../lib/tensor/index.ts';

describe('bfloat16', () => {
  // Bits by hand: bfloat16 is the upper half of a float32.
  it.each([
    ['zero', 0, 0x0000],
    ['minus zero', -0, 0x8000],
    ['one', 1, 0x3f80],
    ['minus two', -2, 0xc000],
    ['pi, rounded down', Math.PI, 0x4049],
    ['just above a tie, up', 1.00390637, 0x3f81],
    ['a tie, down to even', 1.00390625, 0x3f80],
    ['a tie, up to even', 1.01171875, 0x3f82],
    ['beyond the largest, to infinity', 3.4e38, 0x7f80],
    ['infinity', Number.NEGATIVE_INFINITY, 0xff80],
    ['the smallest subnormal', 2 ** -133, 0x0001],
  ])('%s', (_, value, bits) => {
    expect(floatToBfloat16([value])[0]).toBe(bits);
  });

  it('keeps NaN a NaN, whatever its payload', () => {
    const quiet = new Float32Array(new Uint32Array([0x7f800001, 0xffffffff]).buffer);
    expect([...bfloat16ToFloat(floatToBfloat16(quiet))]).toEqual([Number.NaN, Number.NaN]);
  });

  it('gives every bfloat16 back', () => {
    const bits = Uint16Array.from({ length: 0x10000 }, (_, i) => i).filter((b) => (b & 0x7fff) <= 0x7f80);
    expect(floatToBfloat16(bfloat16ToFloat(bits))).toEqual(bits);
  });
});
