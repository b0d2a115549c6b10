import { describe, expect, it } from 'vitest';
import { addon } from '../../lib/native/addon.ts';
import { random } from '../support/graph-builder.ts';

const types = { uint8: Uint8Array, int8: Int8Array } as const;
type Byte = keyof typeof types;

/** Every byte's result: of byte 255, which is -1 in int8, table[255]. */
function tableOf(dtype: Byte, f: (value: number) => number): Uint8Array | Int8Array {
  const values = new types[dtype](Uint8Array.from({ length: 256 }, (_, i) => i).buffer);
  return values.map(f) as Uint8Array | Int8Array;
}

const next = random(5);
const shuffled = Array.from({ length: 256 }, () => Math.floor(256 * next()));
const functions: Readonly<Record<string, (value: number) => number>> = {
  identity: (value) => value,
  'an upper bound': (value) => Math.min(value, 93),
  'a lower bound': (value) => Math.max(value, 17),
  'both bounds': (value) => Math.min(Math.max(value, 17), 93),
  constant: () => 42,
  // One value more than a clamp.
  'almost a bound': (value) => (value === 50 ? 51 : Math.min(value, 93)),
  steps: (value) => Math.trunc(value / 16) * 16,
  anything: (value) => shuffled[value & 255],
};

describe.each(['uint8', 'int8'] as const)('tables of %s', (dtype) => {
  it.each(Object.entries(functions))('%s, for every byte in rows of any length', (_, f) => {
    const table = tableOf(dtype, f);
    const constant = addon.createConstant(dtype, [256], table);
    for (const length of [1, 15, 31, 64, 100, 257, 1000]) {
      const x = new types[dtype](length).map((_, i) => i * 7 + length);
      const bytes = new Uint8Array(x.buffer);
      for (const data of [table, constant]) {
        const y = new types[dtype](length);
        addon.execute(
          { op: 'lookup', node: 'case', attributes: {} },
          [
            { dtype, shape: [length], data: x },
            { dtype, shape: [256], data },
          ],
          [{ dtype, shape: [length], data: y }],
        );
        expect([...y]).toEqual(Array.from(bytes, (byte) => table[byte]));
      }
    }
  });
});
