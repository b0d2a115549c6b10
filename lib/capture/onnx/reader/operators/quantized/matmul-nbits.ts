import { Tensor } from '../../../../../tensor/index.ts';
import type { OnnxCall, OperatorTable } from '../../call.ts';
import type { OnnxValue } from '../../values.ts';
import { dequantizeBlocks } from './blocks.ts';

/** The attributes of ONNX Runtime's linear layer of few bits, and what follows from them. */
interface Format {
  readonly bits: number;
  /** K and N: features in and out. */
  readonly inputs: number;
  readonly outputs: number;
  readonly block: number;
  /** Blocks of a row. */
  readonly blocks: number;
}

function formatOf({ attributes }: OnnxCall): Format {
  const bits = attributes.int('bits', 4);
  const [inputs, outputs, block] = ['K', 'N', 'block_size'].map((name) => attributes.int(name));
  if (bits !== 4 && bits !== 8) throw new Error(`weights of ${bits} bits are not supported; 4 and 8 are`);
  if (inputs < 1 || outputs < 1 || block < 1)
    throw new Error(`K, N and block_size must be above 0, got ${inputs}, ${outputs} and ${block}`);
  return { bits, inputs, outputs, block, blocks: Math.ceil(inputs / block) };
}

/**
 * Unsigned numbers of 4 or 8 bits, the first in the lower half of a byte, as many a row as it has; each row begins a byte.
 * @throws Error when the tensor is not of that many bytes.
 */
function unpacked(tensor: Tensor, what: string, { bits }: Format, rows: number, count: number): Uint8Array {
  const bytes = Math.ceil((count * bits) / 8);
  if (tensor.dtype !== 'uint8' || tensor.numel !== rows * bytes)
    throw new Error(
      `${what} must be ${rows * bytes} bytes (uint8), got ${tensor.dtype}[${tensor.shape.join(', ')}]`,
    );
  const packed = tensor.data as Uint8Array;
  if (bits === 8) return packed;
  return Uint8Array.from({ length: rows * count }, (_, i) => {
    const at = i % count;
    const byte = packed[Math.floor(i / count) * bytes + (at >> 1)];
    return at % 2 === 0 ? byte & 15 : byte >> 4;
  });
}

/** One zero point a block: packed as the weight is, or numbers of another dtype; in the middle of the range if absent. */
function zeroPointsOf(call: OnnxCall, format: Format): ArrayLike<number> {
  const { bits, outputs, blocks } = format;
  const count = outputs * blocks;
  if (!call.optional(3)) return new Uint8Array(count).fill(2 ** (bits - 1));
  const tensor = call.known(3, 'the zero points');
  if (tensor.dtype === 'uint8') return unpacked(tensor, 'the zero points (input 3)', format, outputs, blocks);
  const values = call.numbers(3, 'the zero points');
  if (values.length !== count)
    throw new Error(`the zero points (input 3) must be ${count} numbers, got ${values.length}`);
  const broken = values.find((value) => !Number.isInteger(value));
  if (broken !== undefined) throw new Error(`the zero points (input 3) must be whole numbers, got ${broken}`);
  return values;
}

/** Groups of columns in another order than the columns have. */
function checkGroups(call: OnnxCall, { block }: Format): void {
  if (!call.optional(4)) return;
  const groups = call.numbers(4, 'the groups g_idx');
  const at = groups.findIndex((group, column) => group !== Math.floor(column / block));
  if (at >= 0)
    throw new Error(
      `g_idx (input 4) puts column ${at} into group ${groups[at]}; only groups of adjacent columns are supported`,
    );
}

/**
 * A linear layer whose weight has few bits and a scale for each block of a row:
 *
 *     y = x (scale * (w - zero point))ᵀ + b
 *
 * Its integers become signed bytes. `accuracy_level`, which lets ONNX Runtime compute less exactly, changes nothing.
 */
function matmulNBits(call: OnnxCall): OnnxValue {
  const format = formatOf(call);
  const { bits, inputs, outputs, block, blocks } = format;
  checkGroups(call, format);
  const scales = call.numbers(2, 'the scales');
  if (scales.length !== outputs * blocks)
    throw new Error(`the scales (input 2) must be ${outputs * blocks} numbers, got ${scales.length}`);
  const half = 2 ** (bits - 1);
  const stored = unpacked(
    call.known(1, 'the weight'),
    'the weight (input 1)',
    format,
    outputs * blocks,
    block,
  );
  const rows = new Int8Array(outputs * inputs);
  for (let row = 0; row < outputs; row++)
    for (let i = 0; i < inputs; i++) rows[row * inputs + i] = stored[row * blocks * block + i] - half;
  const weight = call.constant(new Tensor('int8', rows, [outputs, inputs]));
  const zeroPoints = Array.from(zeroPointsOf(call, format), (value) => value - half);
  const real = dequantizeBlocks(call, weight, { axis: 1, size: block, scales, zeroPoints });
  return call.call('aten.linear.default', call.input(0), real, call.optional(5) ?? null);
}

/** Linear layers of ONNX Runtime whose weights have 4 or 8 bits. */
export const matmulNBitsReaders: OperatorTable = { 'com.microsoft.MatMulNBits': matmulNBits };
