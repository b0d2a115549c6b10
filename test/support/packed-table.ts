import { Tensor } from '../../lib/tensor/index.ts';

/** Rows of bytes with a scale and a zero point behind each, as `octavo.embedding_byte` and `octavo.embedding_4bit` read them. */
export function packedTable(bytes: Tensor, scales: Tensor, zeroPoints: Tensor): Tensor {
  const [rows, width] = bytes.shape;
  const parts = Array.from({ length: rows }, (_, row) => [
    ...bytes.toArray().slice(row * width, (row + 1) * width),
    ...new Uint8Array(Float32Array.of(scales.toArray()[row], zeroPoints.toArray()[row]).buffer),
  ]);
  return Tensor.from('uint8', parts.flat(), [rows, width + 8]);
}
