import { byteSizeOf, type DType, isRowMajor, numelOf, Tensor } from '../tensor/index.ts';
import { gatherStrided } from '../tensor/strided.ts';
import { type PickleValue, readPickle } from './pickle.ts';
import { ZipArchive } from './zip.ts';

/** Legacy storage classes, which name the element type. Today's serialized tensors still refer to them. */
const storageTypes: Readonly<Record<string, DType>> = {
  DoubleStorage: 'float64',
  FloatStorage: 'float32',
  HalfStorage: 'float16',
  BFloat16Storage: 'bfloat16',
  LongStorage: 'int64',
  IntStorage: 'int32',
  ShortStorage: 'int16',
  CharStorage: 'int8',
  ByteStorage: 'uint8',
  BoolStorage: 'bool',
};

/** A global that is only referred to: the element type of a storage or of a tensor. */
class TypeName {
  readonly name: string;
  /** Undefined for an untyped storage. */
  readonly dtype: DType | undefined;

  constructor(name: string, dtype: DType | undefined) {
    this.name = name;
    this.dtype = dtype;
  }
}

/** One contiguous block of elements; tensors are views of it. */
class TorchStorage {
  readonly dtype: DType | undefined;
  readonly bytes: Uint8Array;

  constructor(dtype: DType | undefined, bytes: Uint8Array) {
    this.dtype = dtype;
    this.bytes = bytes;
  }
}

/** Elements that a stored tensor may have beyond its storage's, when strides of 0 repeat them. */
const BROADCAST_LIMIT = 2 ** 26;

/**
 * Reads a dict of tensors (a state dict) that `torch.save` wrote. Views of shared storages, with any offset and
 * strides, become row-major tensors.
 * @throws Error that names `label` and the tensor: damaged archive, forbidden global, missing or short storage, or a
 * value that is not a tensor.
 */
export async function readTorchSave(bytes: Uint8Array, label: string): Promise<Map<string, Tensor>> {
  const archive = await ZipArchive.open(bytes, label);
  const pickleName = archive.names.find((name) => /^[^/]*\/data\.pkl$/.test(name));
  if (!pickleName) throw new Error(`${label}: there is no data.pkl, so this is no file of torch.save`);
  const prefix = pickleName.slice(0, -'data.pkl'.length);
  checkByteOrder(archive, prefix);
  let root: PickleValue;
  try {
    root = readPickle(archive.read(pickleName), {
      globals: torchGlobals,
      persistentLoad: (id) => loadStorage(archive, prefix, id),
    });
  } catch (error) {
    throw new Error(`${label}: ${(error as Error).message}`, { cause: error });
  }
  if (!(root instanceof Map)) throw new Error(`${label}: expected a dict of tensors`);
  const tensors = new Map<string, Tensor>();
  for (const [key, value] of root) {
    if (typeof key !== 'string' || !(value instanceof Tensor))
      throw new Error(`${label}: the value at '${String(key)}' is not a tensor`);
    tensors.set(key, value);
  }
  return tensors;
}

function checkByteOrder(archive: ZipArchive, prefix: string): void {
  const name = `${prefix}byteorder`;
  const order = archive.has(name) ? new TextDecoder().decode(archive.read(name)).trim() : 'little';
  if (order !== 'little') throw new Error(`${archive.label}: byte order '${order}' is not supported`);
}

function loadStorage(archive: ZipArchive, prefix: string, id: PickleValue): TorchStorage {
  const [kind, type, key, , numel] = Array.isArray(id) ? id : [];
  if (kind !== 'storage' || !(type instanceof TypeName) || typeof key !== 'string' || !isSize(numel))
    throw new Error('a persistent id is not a storage');
  const bytes = archive.read(`${prefix}data/${key}`);
  const expected = numel * (type.dtype ? byteSizeOf(type.dtype) : 1);
  if (bytes.length !== expected)
    throw new Error(`storage '${key}' (${type.name}) should have ${expected} bytes, but has ${bytes.length}`);
  return new TorchStorage(type.dtype, bytes);
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function sizesOf(value: PickleValue, what: string): readonly number[] {
  if (!Array.isArray(value) || value.length > 64 || !value.every(isSize))
    throw new Error(`a tensor's ${what} is not a tuple of sizes`);
  return value;
}

function rebuildTensor(args: readonly PickleValue[], dtype?: DType): Tensor {
  const [storage, offset, size, stride] = args;
  if (!(storage instanceof TorchStorage) || !isSize(offset)) throw new Error('a tensor has no storage');
  const shape = sizesOf(size, 'size');
  const strides = sizesOf(stride, 'stride');
  const elementType = dtype ?? storage.dtype;
  if (!elementType || strides.length !== shape.length) throw new Error('a tensor is described wrongly');
  return rowMajor(elementType, storage.bytes, offset, shape, strides);
}

function rowMajor(
  dtype: DType,
  bytes: Uint8Array,
  offset: number,
  shape: readonly number[],
  strides: readonly number[],
): Tensor {
  const itemSize = byteSizeOf(dtype);
  const available = Math.floor(bytes.length / itemSize);
  const numel = numelOf(shape);
  const last = numel === 0 ? -1 : shape.reduce((at, extent, i) => at + (extent - 1) * strides[i], offset);
  if (last >= available)
    throw new Error(
      `a ${dtype} tensor [${shape.join(', ')}] reaches element ${last} of a storage of ${available}`,
    );
  if (isRowMajor(shape, strides)) {
    const begin = numel === 0 ? 0 : offset * itemSize;
    return Tensor.fromBytes(dtype, bytes.subarray(begin, begin + numel * itemSize), shape);
  }
  if (numel > Math.max(available, BROADCAST_LIMIT))
    throw new Error(`a ${dtype} tensor [${shape.join(', ')}] repeats a storage of ${available} elements`);
  const source = Tensor.fromBytes(dtype, bytes.subarray(0, available * itemSize), [available]);
  return gatherStrided(dtype, source.data, offset, shape, strides);
}

function rebuildParameter([tensor]: readonly PickleValue[]): Tensor {
  if (!(tensor instanceof Tensor)) throw new Error('a parameter is not a tensor');
  return tensor;
}

/** The typed form, for dtypes without a legacy storage class: the seventh argument is the dtype. */
function rebuildTypedTensor(args: readonly PickleValue[]): Tensor {
  const type = args[6];
  if (!(type instanceof TypeName) || !type.dtype) throw new Error('a tensor has no dtype');
  return rebuildTensor(args, type.dtype);
}

function emptyDict(args: readonly PickleValue[]): PickleValue {
  if (args.length > 0) throw new Error('an OrderedDict is made with arguments');
  return new Map();
}

/** Every global that a weights file may name. */
const torchGlobals = new Map<string, ((args: readonly PickleValue[]) => PickleValue) | object>([
  ['torch._utils._rebuild_tensor_v2', (args: readonly PickleValue[]) => rebuildTensor(args)],
  ['torch._utils._rebuild_tensor_v3', rebuildTypedTensor],
  ['torch._utils._rebuild_parameter', rebuildParameter],
  // The state consists of attributes that Python code set on the parameter. They do not change its elements.
  ['torch._utils._rebuild_parameter_with_state', rebuildParameter],
  ['collections.OrderedDict', emptyDict],
  ['torch.storage.UntypedStorage', new TypeName('UntypedStorage', undefined)],
  ['torch.uint16', new TypeName('uint16', 'uint16')],
  ...Object.entries(storageTypes).map(
    ([name, dtype]) => [`torch.${name}`, new TypeName(name, dtype)] as const,
  ),
]);
