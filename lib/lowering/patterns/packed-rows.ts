import { Tensor } from '../../tensor/index.ts';

/** A table of integers, [rows, width], and what they stand for: `(integer - zeroPoint) * scale`. */
export interface QuantizedTable {
  /** uint8 or int8 */
  readonly integers: Tensor;
  /** Of each row. */
  readonly scales: readonly number[];
  readonly zeroPoints: readonly number[];
  /** The range of the integers. */
  readonly quantMin: number;
  readonly quantMax: number;
}

/** A table's rows with their parameters, as `octavo.embedding_byte` and `octavo.embedding_4bit` read them. */
export interface PackedRows {
  /** uint8 [rows, bytes]: a row's integers, counted from 0; the scale and the zero point as float32. */
  readonly rows: Tensor;
  /** Of an integer. Of 4 there are two in a byte. */
  readonly bits: 8 | 4;
}

/**
 * Packs a table row by row (counterparts: `torch.ops.quantized.embedding_bag_byte_prepack` and `…_4bit_prepack`), to 4 bits
 * where its range has at most 16 integers.
 */
export function packRows(table: QuantizedTable): PackedRows {
  const { integers, quantMin, quantMax } = table;
  const data = integers.data as Uint8Array | Int8Array;
  const isNarrow = quantMax - quantMin <= 15 && data.every((q) => quantMin <= q && q <= quantMax);
  const [bits, least] = isNarrow
    ? ([4, quantMin] as const)
    : ([8, integers.dtype === 'int8' ? -128 : 0] as const);
  const [rows, width] = integers.shape;
  const elementBytes = Math.ceil((width * bits) / 8);
  const rowBytes = elementBytes + 2 * Float32Array.BYTES_PER_ELEMENT;
  const bytes = new Uint8Array(rows * rowBytes);
  const view = new DataView(bytes.buffer);
  for (let row = 0; row < rows; row++) {
    const [from, to] = [row * width, row * rowBytes];
    if (bits === 8) for (let i = 0; i < width; i++) bytes[to + i] = data[from + i] - least;
    else for (let i = 0; i < width; i++) bytes[to + (i >> 1)] |= (data[from + i] - least) << (4 * (i & 1));
    view.setFloat32(to + elementBytes, table.scales[row], true);
    view.setFloat32(to + elementBytes + 4, table.zeroPoints[row] - least, true);
  }
  return { rows: new Tensor('uint8', bytes, [rows, rowBytes]), bits };
}
