import { describe, expect, it } from 'vitest';
import { rawContent, type TensorMessage } from '../../lib/capture/onnx/reader/messages.ts';
import { readTensor } from '../../lib/capture/onnx/reader/tensors.ts';
import { decodeOnnx } from '../../lib/capture/onnx/schema.ts';
import { FileTensors } from '../../lib/native/file-tensors.ts';
import type { Tensor } from '../../lib/tensor/index.ts';
import { encode, modelMessage } from '../support/onnx-model.ts';

describe('tensors in every encoding', () => {
  const bytesOf = (array: ArrayBufferView) =>
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  const read = (message: object): Tensor => {
    const model = encode({
      ...modelMessage({ opset: 1, nodes: [], outputs: [] }),
      graph: { initializer: [message] },
    });
    const { graph } = decodeOnnx('ModelProto', model) as { graph: { initializer: TensorMessage[] } };
    return readTensor(graph.initializer[0], { contentOf: rawContent, inFile: new FileTensors() });
  };

  it.each([
    ['float32, typed', { dataType: 1, dims: [2], floatData: [1.5, -2] }, 'float32', [1.5, -2]],
    ['float64, typed', { dataType: 11, dims: [1], doubleData: [0.1] }, 'float64', [0.1]],
    ['int64, typed', { dataType: 7, dims: [2], int64Data: [-5, 2 ** 40] }, 'int64', [-5, 2 ** 40]],
    ['int64, raw', { dataType: 7, dims: [1], rawData: bytesOf(BigInt64Array.of(-7n)) }, 'int64', [-7]],
    ['uint8, typed', { dataType: 2, dims: [2], int32Data: [0, 255] }, 'uint8', [0, 255]],
    ['int8, typed', { dataType: 3, dims: [2], int32Data: [-128, 127] }, 'int8', [-128, 127]],
    ['bool, typed', { dataType: 9, dims: [2], int32Data: [1, 0] }, 'bool', [1, 0]],
    // 1.5, the largest (65504), the least above 0 (2^-24), -infinity.
    [
      'float16, raw',
      { dataType: 10, dims: [4], rawData: bytesOf(Uint16Array.of(0x3e00, 0x7bff, 1, 0xfc00)) },
      'float32',
      [1.5, 65504, 2 ** -24, Number.NEGATIVE_INFINITY],
    ],
    ['float16, typed', { dataType: 10, dims: [1], int32Data: [0xc000] }, 'float32', [-2]],
    [
      'uint32, raw',
      { dataType: 12, dims: [1], rawData: bytesOf(Uint32Array.of(4294967295)) },
      'int64',
      [4294967295],
    ],
    ['uint64, typed', { dataType: 13, dims: [1], uint64Data: [2 ** 40] }, 'int64', [2 ** 40]],
    [
      'int4, the lower half first',
      { dataType: 22, dims: [3], rawData: Uint8Array.of(0x8f, 0x07) },
      'int8',
      [-1, -8, 7],
    ],
    ['uint4', { dataType: 21, dims: [3], rawData: Uint8Array.of(0x8f, 0x07) }, 'uint8', [15, 8, 7]],
    ['no elements', { dataType: 1, dims: [0] }, 'float32', []],
  ])('%s', (_, message, dtype, values) => {
    const tensor = read({ name: 't', ...message });
    expect(tensor.dtype).toBe(dtype);
    expect(tensor.toArray()).toEqual(values);
  });

  it('bfloat16 keeps its bits', () => {
    expect(
      read({ name: 't', dataType: 16, dims: [1], rawData: bytesOf(Uint16Array.of(0x3fc0)) }).data[0],
    ).toBe(0x3fc0);
  });

  it.each([
    ['strings', { dataType: 8, dims: [1], stringData: [Uint8Array.of(65)] }, /'t' is of string/],
    ['float8', { dataType: 17, dims: [1], rawData: Uint8Array.of(0) }, /'t' is of float8e4m3fn/],
    ['a negative extent', { dataType: 1, dims: [-1] }, /'t' has an extent of -1/],
    [
      '2^60 elements',
      { dataType: 1, dims: [2 ** 30, 2 ** 30], floatData: [1] },
      /'t' of \[1073741824, 1073741824\] needs/,
    ],
  ])('refuses %s', (_, message, expected) => {
    expect(() => read({ name: 't', ...message })).toThrow(expected);
  });
});
