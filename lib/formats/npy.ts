import { byteSizeOf, type DType } from '../tensor/dtype.ts';
import { gatherStrided } from '../tensor/strided.ts';
import { numelOf, Tensor } from '../tensor/tensor.ts';

/** NumPy's type descriptors, little-endian like every machine that Octavo runs on. */
const dtypes: Readonly<Record<string, DType>> = {
  '<f4': 'float32',
  '<f8': 'float64',
  '<f2': 'float16',
  '|u1': 'uint8',
  '|i1': 'int8',
  '<u2': 'uint16',
  '<i2': 'int16',
  '<i4': 'int32',
  '<i8': 'int64',
  '|b1': 'bool',
};
const MAGIC = '\x93NUMPY';
/** Magic, two version bytes and a 16-bit length precede the header; together they fill a multiple of 64 bytes. */
const PREFIX_LENGTH = MAGIC.length + 4;
const ALIGNMENT = 64;
/** NumPy's `NPY_MAXDIMS`. */
const MOST_AXES = 64;

/** The header of a `.npy` file: everything except the elements. */
export interface NpyHeader {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Whether the elements are stored in column-major order. */
  readonly fortranOrder: boolean;
  /** Where the elements begin, in bytes from the beginning of the file. */
  readonly position: number;
}

/**
 * Reads the header of a `.npy` file.
 * @param bytes the beginning of the file, or all of it.
 * @param fileBytes the size of the whole file.
 * @throws Error that names `label` and the cause: not a `.npy` file, truncated, or an element type Octavo does not
 * support.
 */
export function readNpyHeader(bytes: Uint8Array, fileBytes: number, label: string): NpyHeader {
  const fail = (what: string): never => {
    throw new Error(`${label}: ${what}`);
  };
  const latin1 = (begin: number, end: number) => Buffer.from(bytes.subarray(begin, end)).toString('latin1');
  if (latin1(0, MAGIC.length) !== MAGIC) fail('this is not in .npy format');
  const version = bytes[MAGIC.length];
  if (version < 1 || version > 3) fail(`.npy version ${version} is unknown`);
  const lengthSize = version === 1 ? 2 : 4;
  const start = MAGIC.length + 2 + lengthSize;
  if (bytes.length < start) fail('the file is cut short');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = version === 1 ? view.getUint16(start - 2, true) : view.getUint32(start - 4, true);
  const { descr, fortranOrder, shape } =
    parseHeader(latin1(start, start + headerLength)) ?? fail('its header cannot be read');
  const dtype =
    dtypes[descr] ??
    fail(`element type '${descr}' is not supported; known are ${Object.keys(dtypes).join(', ')}`);
  if (shape.length > MOST_AXES) fail(`its array has ${shape.length} axes; NumPy's have at most ${MOST_AXES}`);
  const position = start + headerLength;
  const [expected, there] = [numelOf(shape) * byteSizeOf(dtype), fileBytes - position];
  if (there < expected)
    fail(
      `the file is cut short: ${dtype} [${shape.join(', ')}] needs ${expected} bytes, but ${Math.max(there, 0)} follow the header`,
    );
  return { dtype, shape, fortranOrder, position };
}

/**
 * Reads one array in NumPy's `.npy` format (counterpart: `numpy.load`). Fortran-ordered arrays become row-major.
 * @throws Error that names `label` and the cause: not a `.npy` file, truncated, or an element type Octavo does not
 * support.
 */
export function readNpy(bytes: Uint8Array, label = 'the .npy file'): Tensor {
  const { dtype, shape, fortranOrder, position } = readNpyHeader(bytes, bytes.length, label);
  const content = bytes.subarray(position, position + numelOf(shape) * byteSizeOf(dtype));
  if (!fortranOrder) return Tensor.fromBytes(dtype, content, shape);
  const columnMajor = Tensor.fromBytes(dtype, content, [numelOf(shape)]);
  const strides = shape.map((_, axis) => numelOf(shape.slice(0, axis)));
  return gatherStrided(dtype, columnMajor.data, 0, shape, strides);
}

interface Header {
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

/** The header is a Python dict literal with exactly these three keys, which NumPy writes sorted. */
function parseHeader(text: string): Header | undefined {
  const descr = /'descr':\s*'([^']*)'/.exec(text)?.[1];
  const order = /'fortran_order':\s*(True|False)/.exec(text)?.[1];
  const sizes = /'shape':\s*\(([\d,\s]*)\)/.exec(text)?.[1];
  if (descr === undefined || order === undefined || sizes === undefined) return undefined;
  const shape = sizes
    .split(',')
    .filter((size) => size.trim() !== '')
    .map(Number);
  return Number.isSafeInteger(numelOf(shape)) ? { descr, fortranOrder: order === 'True', shape } : undefined;
}

/**
 * A tensor in NumPy's `.npy` format (counterpart: `numpy.save`).
 * @throws Error for bfloat16, which NumPy does not have.
 */
export function writeNpy(tensor: Tensor): Uint8Array {
  const descr = Object.entries(dtypes).find(([, dtype]) => dtype === tensor.dtype)?.[0];
  if (!descr) throw new Error(`writeNpy: NumPy has no ${tensor.dtype}`);
  const shape = tensor.shape.length === 1 ? `${tensor.shape[0]},` : tensor.shape.join(', ');
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape}), }`;
  // The header ends in a newline, so that the elements start at an aligned offset.
  const total = Math.ceil((PREFIX_LENGTH + header.length + 1) / ALIGNMENT) * ALIGNMENT;
  const prefix = Buffer.alloc(PREFIX_LENGTH);
  prefix.write(MAGIC, 'latin1');
  prefix.writeUInt8(1, MAGIC.length);
  prefix.writeUInt16LE(total - PREFIX_LENGTH, PREFIX_LENGTH - 2);
  const padded = `${header.padEnd(total - PREFIX_LENGTH - 1)}\n`;
  return new Uint8Array(Buffer.concat([prefix, Buffer.from(padded, 'latin1'), tensor.bytes()]));
}
