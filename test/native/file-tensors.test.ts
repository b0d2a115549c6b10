import { closeSync, mkdtempSync, openSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import type { FileTensor } from '../../lib/native/file-tensor.ts';
import { FileTensors } from '../../lib/native/file-tensors.ts';
import { StoredTensor } from '../../lib/native/stored-tensor.ts';
import type { TensorData } from '../../lib/tensor/index.ts';
import { seeded } from '../support/reference.ts';

const folder = mkdtempSync(join(tmpdir(), 'octavo-file-tensors-'));
afterAll(() => rmSync(folder, { recursive: true }));

const random = seeded(1);
/** Enough for several of the blocks that are verified at a time, and a rest that fills no vector. */
const count = 150_001;
const values = Float32Array.from({ length: count }, () => 2 * random() - 1);
const start = 12;

/** The same to the last bit. */
function expectSame(data: TensorData, wanted: Float32Array): void {
  expect(data).toBeInstanceOf(Float32Array);
  expect(data.length).toBe(wanted.length);
  const bytes = (array: TensorData) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  expect(bytes(data).equals(bytes(wanted))).toBe(true);
}

let files = 0;
function fileOf(content = values): string {
  const path = join(folder, `weights-${files++}`);
  writeFileSync(path, Buffer.concat([Buffer.alloc(start), Buffer.from(content.buffer)]));
  return path;
}

/** A tensor in the file, which is closed as it would be after loading. */
function tensorIn(path: string, crc = crc32(Buffer.from(values.buffer)), shape = [count]): FileTensor {
  const descriptor = openSync(path, 'r');
  const checksum = { crc32: crc, name: "entry 'w'" };
  const tensor = new FileTensors().tensor('float32', shape, { descriptor, path, position: start, checksum });
  closeSync(descriptor);
  return tensor;
}

describe('tensors in a file', () => {
  it('bring their elements when these are needed', () => {
    const tensor = tensorIn(fileOf());
    expect(tensor).toMatchObject({ dtype: 'float32', shape: [count], numel: count });
    expectSame(tensor.data, values);
    expect(tensor.data).toBe(tensor.data);
    expect(tensor.bytes().length).toBe(4 * count);
  });

  it('are still there when the file was deleted or replaced', () => {
    const path = fileOf();
    const tensor = tensorIn(path);
    rmSync(path);
    writeFileSync(path, 'something else');
    expectSame(tensor.data, values);
  });

  it.each([
    ['written to', values.map((value) => value + 1)],
    ['cut', values.slice(0, 100)],
  ])('are refused when the file was %s', (_, content) => {
    const path = fileOf();
    const tensor = tensorIn(path);
    writeFileSync(path, Buffer.concat([Buffer.alloc(start), Buffer.from(content.buffer)]));
    // Coarse clocks could give both times the same.
    utimesSync(path, 1e9, 1e9);
    expect(() => tensor.data).toThrow(`weights of ${path} cannot be read: the file`);
    expect(() => StoredTensor.of(tensor).data).toThrow('changed after the model was loaded');
  });

  it('are refused when their checksum is another', () => {
    const path = fileOf();
    expect(() => tensorIn(path, 1).data).toThrow(
      `weights of ${path} cannot be read: entry 'w' is damaged: its checksum does not match`,
    );
  });

  it.each([1, 63, 64, 65, 127, 1000])('have the checksum that zlib computes, of %i bytes', (bytes) => {
    const path = fileOf();
    const content = Buffer.from(values.buffer, 0, bytes);
    const descriptor = openSync(path, 'r');
    const place = { descriptor, path, position: start, checksum: { crc32: crc32(content), name: 'w' } };
    expect(new FileTensors().tensor('uint8', [bytes], place).data).toEqual(new Uint8Array(content));
    closeSync(descriptor);
  });
});

describe('a compiled model', () => {
  it('has the elements without JavaScript', () => {
    const tensor = tensorIn(fileOf());
    const stored = StoredTensor.of(tensor);
    expectSame(stored.data, values);
    stored.release();
    // Whoever shares the graph still has them.
    expectSame(StoredTensor.of(tensor).data, values);
    expectSame(tensor.data, values);
  });

  it('has what JavaScript changed', () => {
    const tensor = tensorIn(fileOf());
    tensor.data[7] = 42;
    expect(StoredTensor.of(tensor).data[7]).toBe(42);
    expect(tensor.scaled(Float32Array.of(2))).toBeUndefined();
  });
});

describe('folded batch norms', () => {
  const factors = Float32Array.from({ length: 50_000 + 1 }, () => random() + 0.5);
  const shape = [factors.length, count / factors.length].map(Math.floor);
  const used = values.subarray(0, shape[0] * shape[1]);
  const crc = crc32(Buffer.from(used.buffer, 0, used.byteLength));
  const scaled = used.map((value, i) => value * factors[Math.floor(i / shape[1])]);

  it('are multiplied as the elements are read, with the same rounding', () => {
    const tensor = tensorIn(fileOf(), crc, shape).scaled(factors)!;
    expectSame(StoredTensor.of(tensor).data, scaled);
    expectSame(tensor.data, scaled);
  });

  it('can follow one another', () => {
    const tensor = tensorIn(fileOf(), crc, shape).scaled(factors)!.scaled(factors)!;
    expectSame(
      tensor.data,
      scaled.map((value, i) => value * factors[Math.floor(i / shape[1])]),
    );
  });

  it('are refused where the factors do not divide the elements', () => {
    expect(() => tensorIn(fileOf(), crc, shape).scaled(new Float32Array(11))).toThrow(
      'cannot be multiplied by 11 factors',
    );
  });
});
