import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readNpy, writeNpy } from '../../lib/formats/npy.ts';
import { loadNpz, writeNpz } from '../../lib/formats/npz.ts';
import { Tensor } from '../../lib/tensor/index.ts';

const fixture = (name: string) => new URL(`../fixtures/npy/${name}`, import.meta.url).pathname;

describe('npy and npz', () => {
  it('reads what NumPy wrote, whatever the dtype, order and compression', async () => {
    const arrays = await loadNpz(fixture('arrays.npz'));
    const c = arrays.get('c')!;
    expect([c.dtype, c.shape]).toEqual(['float32', [2, 3, 4]]);
    expect(c.data[0]).toBe(Math.fround(1.7640523910522461));
    expect(arrays.get('f')).toEqual(c);
    expect(arrays.get('u1')).toEqual(new Tensor('uint8', Uint8Array.of(0, 1, 2, 3, 4, 5), [2, 3]));
    expect(arrays.get('i8')!.data).toEqual(BigInt64Array.of(-1n, 2n ** 40n));
    expect(arrays.get('i2')!.data).toEqual(Int16Array.of(-7));
    expect(arrays.get('b')).toEqual(new Tensor('bool', Uint8Array.of(1, 0), [2]));
    expect(arrays.get('f2')!.data).toEqual(Uint16Array.of(0x3c00, 0xc100));
    expect(arrays.get('scalar')).toEqual(new Tensor('float64', Float64Array.of(2.5), []));
    expect(arrays.get('empty')!.shape).toEqual([0, 3]);
  });

  it('reads the glyphs', async () => {
    const arrays = await loadNpz('models/glyphs/calib.npz');
    expect([...arrays.keys()]).toEqual(['x', 'y']);
    expect(arrays.get('x')!.shape).toEqual([512, 3, 32, 32]);
  });

  it('reads back what it wrote', async () => {
    for (const shape of [[], [3], [2, 3]]) {
      const tensor = Tensor.from('float32', Array(shape.reduce((a, b) => a * b, 1)).fill(1.5), shape);
      expect(readNpy(writeNpy(tensor))).toEqual(tensor);
    }
    const x = Tensor.from('int64', [1, -2], [2, 1]);
    expect((await loadNpz(await writeNpz({ x }))).get('x')).toEqual(x);
  });

  it('refuses other byte orders, other files and every truncation with an Error', async () => {
    expect(() => readNpy(readFileSync(fixture('big_endian.npy')), 'a.npy')).toThrow(
      "a.npy: element type '>f4' is not supported",
    );
    expect(() => readNpy(new Uint8Array(100))).toThrow('not in .npy format');
    const npy = writeNpy(Tensor.from('float32', [1, 2, 3]));
    for (let length = 0; length < npy.length; length++)
      expect(() => readNpy(npy.subarray(0, length))).toThrow(/^the \.npy file: /);
    const deep = writeNpy(Tensor.from('uint8', [1], Array(65).fill(1)));
    expect(() => readNpy(deep)).toThrow("its array has 65 axes; NumPy's have at most 64");
    const npz = readFileSync(fixture('arrays.npz'));
    for (let length = 0; length < npz.length; length += 13)
      await expect(loadNpz(npz.subarray(0, length))).rejects.toThrow('not a readable zip archive');
  });
});
