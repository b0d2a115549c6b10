import { arrayTypeOf, byteSizeOf, type DType } from '../tensor/dtype.ts';
import { numelOf, type Tensor } from '../tensor/tensor.ts';
import { parseJson } from './parse-json.ts';

/** Names of the dtypes in the safetensors format. */
const formatNames: Readonly<Record<DType, string>> = {
  float32: 'F32',
  float64: 'F64',
  float16: 'F16',
  bfloat16: 'BF16',
  uint8: 'U8',
  int8: 'I8',
  uint16: 'U16',
  int16: 'I16',
  int32: 'I32',
  int64: 'I64',
  bool: 'BOOL',
};
const dtypes = new Map(Object.entries(formatNames).map(([dtype, name]) => [name, dtype as DType]));

/** The reference implementation's limit. */
const maxHeaderBytes = 100_000_000;
/** Keeps every element aligned in a file that is itself loaded at an aligned address. */
const dataAlignment = 8;

/** The contents of a safetensors file: named tensors and free-form strings. */
export interface Safetensors {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * The pieces of a safetensors file, in order, without copies of the tensors. Larger elements come first, so that all
 * are aligned.
 */
export function encodeSafetensors({ tensors, metadata }: Safetensors): Uint8Array[] {
  const ordered = [...tensors].sort(
    ([a, x], [b, y]) => byteSizeOf(y.dtype) - byteSizeOf(x.dtype) || (a < b ? -1 : 1),
  );
  const header: [string, unknown][] = [['__metadata__', metadata]];
  let offset = 0;
  for (const [name, { dtype, shape, byteLength }] of ordered) {
    if (name === '__metadata__') throw new Error(`safetensors: a tensor cannot be named '${name}'`);
    const end = offset + byteLength;
    header.push([name, { dtype: formatNames[dtype], shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const padded = new Uint8Array(Math.ceil(text.length / dataAlignment) * dataAlignment).fill(0x20);
  padded.set(text);
  const size = new DataView(new ArrayBuffer(8));
  size.setBigUint64(0, BigInt(padded.length), true);
  return [new Uint8Array(size.buffer), padded, ...ordered.map(([, tensor]) => tensor.bytes())];
}

/** The position of a tensor's elements in a safetensors file. */
export interface StoredEntry {
  readonly key: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** In bytes from the beginning of the file. */
  readonly position: number;
}

/** The header of a safetensors file: everything except the elements. */
export interface SafetensorsHeader {
  /** In the order in which the file stores them. */
  readonly entries: readonly StoredEntry[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** Number of leading bytes from which {@link safetensorsHeaderBytes} computes the header's length. */
export const safetensorsPrefixBytes = 8;

/**
 * Length of prefix and header together, in bytes.
 * @param prefix the file's first {@link safetensorsPrefixBytes}, or all of a shorter file.
 * @param fileBytes the size of the whole file.
 * @param name the file's name, for messages.
 * @throws Error with the cause when the file is truncated, hostile or not a safetensors file.
 */
export function safetensorsHeaderBytes(prefix: Uint8Array, fileBytes: number, name: string): number {
  const fail = failure(name);
  if (fileBytes < safetensorsPrefixBytes)
    return fail(`it has ${fileBytes} bytes, 8 are needed for the header's size`);
  const headerBytes = Number(
    new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength).getBigUint64(0, true),
  );
  if (headerBytes > maxHeaderBytes)
    return fail(`its header would take ${headerBytes} bytes, more than ${maxHeaderBytes}`);
  if (safetensorsPrefixBytes + headerBytes > fileBytes)
    return fail(`its header takes ${headerBytes} bytes, but the file has only ${fileBytes}`);
  return safetensorsPrefixBytes + headerBytes;
}

/**
 * Reads the header of a safetensors file.
 * @param bytes the first {@link safetensorsHeaderBytes} bytes of the file.
 * @throws Error with the cause, as {@link safetensorsHeaderBytes} does.
 */
export function decodeSafetensorsHeader(
  bytes: Uint8Array,
  fileBytes: number,
  name: string,
): SafetensorsHeader {
  const fail = failure(name);
  const header = parseHeader(bytes.subarray(safetensorsPrefixBytes), fail);
  const { __metadata__: metadata = {}, ...described } = header;
  if (!isRecord(metadata) || Object.values(metadata).some((value) => typeof value !== 'string'))
    return fail('__metadata__ must map names to strings');
  const entries = Object.entries(described).map(([key, value]) => readEntry(key, value, fail));
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  for (const entry of entries) {
    if (entry.begin !== end)
      return fail(`tensor '${entry.key}' begins at byte ${entry.begin}, where ${end} was expected`);
    end = entry.end;
  }
  const dataBytes = fileBytes - bytes.length;
  if (end !== dataBytes) return fail(`its tensors take ${end} bytes, but ${dataBytes} follow the header`);
  return {
    entries: entries.map(({ key, dtype, shape, begin }) => ({
      key,
      dtype,
      shape,
      position: bytes.length + begin,
    })),
    metadata: metadata as Record<string, string>,
  };
}

function failure(name: string): (what: string) => never {
  return (what) => {
    throw new Error(`${name} is not a valid safetensors file: ${what}`);
  };
}

function parseHeader(bytes: Uint8Array, fail: (what: string) => never): Record<string, unknown> {
  try {
    const header = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (isRecord(header)) return header;
  } catch {
    // Reported below, like any other malformed JSON.
  }
  return fail('its header is not a JSON object');
}

interface Entry {
  readonly key: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function readEntry(key: string, value: unknown, fail: (what: string) => never): Entry {
  const { dtype: format, shape, data_offsets: offsets } = isRecord(value) ? value : {};
  const dtype = dtypes.get(String(format));
  if (!dtype) return fail(`tensor '${key}' has the unknown dtype ${JSON.stringify(format)}`);
  if (!isSizes(shape)) return fail(`tensor '${key}' has no valid shape`);
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0] > offsets[1])
    return fail(`tensor '${key}' has no valid data_offsets`);
  const [begin, end] = offsets;
  const bytes = numelOf(shape) * arrayTypeOf(dtype).BYTES_PER_ELEMENT;
  if (bytes !== end - begin)
    return fail(
      `tensor '${key}' has ${end - begin} bytes, but ${format} [${shape.join(', ')}] takes ${bytes}`,
    );
  return { key, dtype, shape, begin, end };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}
