import { describe, expect, it } from 'vitest';
import { encodeSafetensors } from '../../lib/formats/safetensors.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { decodeSafetensors } from '../support/decode-safetensors.ts';

const concat = (chunks: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(chunks));

/** A file with this header and this many bytes of data. */
function file(header: unknown, dataBytes: number): Uint8Array {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  return concat([size, text, new Uint8Array(dataBytes)]);
}

describe('safetensors', () => {
  it('keeps names, dtypes, shapes, elements and metadata', () => {
    const tensors = new Map([
      ['bytes', Tensor.from('uint8', [1, 2, 3])],
      ['layer.weight', Tensor.from('float32', [1.5, -2, 3, 4], [2, 2])],
      ['scalar', Tensor.scalar('float64', Math.PI)],
      ['empty', Tensor.zeros('int8', [0, 4])],
      ['count', Tensor.from('int64', [7])],
      ['half', new Tensor('bfloat16', Uint16Array.of(0x3f80), [1])],
    ]);
    const decoded = decodeSafetensors(concat(encodeSafetensors({ tensors, metadata: { a: 'b' } })), 'test');
    expect(decoded.metadata).toEqual({ a: 'b' });
    expect(decoded.tensors.size).toBe(tensors.size);
    for (const [name, tensor] of tensors) expect(decoded.tensors.get(name)).toEqual(tensor);
  });

  it('reads a file of the documented layout', () => {
    // Written by hand after the description of the format at huggingface/safetensors.
    const header =
      '{"a":{"dtype":"I32","shape":[3],"data_offsets":[0,12]},"b":{"dtype":"F32","shape":[1,1],"data_offsets":[12,16]}}';
    const bytes = file(header.padEnd(Math.ceil(header.length / 8) * 8), 16);
    new DataView(bytes.buffer).setInt32(bytes.length - 12, 1, true);
    new DataView(bytes.buffer).setInt32(bytes.length - 8, 2, true);
    new DataView(bytes.buffer).setFloat32(bytes.length - 4, 0.5, true);
    const { tensors } = decodeSafetensors(bytes, 'test');
    expect(tensors.get('a')!.toArray()).toEqual([0, 1, 2]);
    expect(tensors.get('b')!.toArray()).toEqual([0.5]);
  });

  it('does not copy elements that lie aligned', () => {
    const tensors = new Map([['w', Tensor.from('float32', [1, 2])]]);
    const bytes = concat(encodeSafetensors({ tensors, metadata: {} }));
    expect(decodeSafetensors(bytes, 'test').tensors.get('w')!.data.buffer).toBe(bytes.buffer);
  });

  const a = { dtype: 'U8', shape: [4], data_offsets: [0, 4] };
  it.each<[string, Uint8Array, RegExp]>([
    ['nothing', new Uint8Array(3), /3 bytes, 8 are needed/],
    ['a header beyond the end', file('', 0).fill(0x10, 0, 2), /header takes 4112 bytes/],
    ['a giant header', new Uint8Array(16).fill(0xff), /more than 100000000/],
    ['a header that is no JSON', file('hello', 0), /not a JSON object/],
    ['a header that is a list', file([], 0), /not a JSON object/],
    ['an unknown dtype', file({ a: { ...a, dtype: 'F8' } }, 4), /unknown dtype "F8"/],
    ['a negative extent', file({ a: { ...a, shape: [-4] } }, 4), /no valid shape/],
    ['a shape that does not fit', file({ a: { ...a, shape: [5] } }, 4), /4 bytes, but U8 \[5\] takes 5/],
    ['an overflowing shape', file({ a: { ...a, shape: [2 ** 40, 2 ** 40] } }, 4), /takes/],
    ['offsets in the wrong order', file({ a: { ...a, data_offsets: [4, 0] } }, 4), /no valid data_offsets/],
    ['a hole', file({ a: { ...a, data_offsets: [4, 8] } }, 8), /begins at byte 4, where 0 was expected/],
    [
      'an overlap',
      file({ a, b: { ...a, data_offsets: [2, 6] } }, 6),
      /begins at byte 2, where 4 was expected/,
    ],
    ['data cut off', file({ a }, 3), /take 4 bytes, but 3 follow/],
    ['data too long', file({ a }, 5), /take 4 bytes, but 5 follow/],
    ['metadata that is no text', file({ __metadata__: { a: 1 } }, 0), /map names to strings/],
    ['an entry that is no object', file({ a: 7 }, 0), /unknown dtype/],
  ])('with %s is refused', (_, bytes, message) => {
    expect(() => decodeSafetensors(bytes, 'evil.safetensors')).toThrow(message);
    expect(() => decodeSafetensors(bytes, 'evil.safetensors')).toThrow(/^evil\.safetensors is not a valid/);
  });
});
