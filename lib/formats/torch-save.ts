import { byteSizeOf, type DType, Tensor } from '../tensor/index.ts';
import type { FileTensors } from './content.ts';
import { type PickleValue, readPickle } from './pickle.ts';
import { RepetitionBudget, TensorStorage } from './tensor-storage.ts';
import type { ZipArchive } from './zip.ts';

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

/**
 * Reads a dict of tensors (a state dict) that `torch.save` wrote. Views of shared storages, with any offset and
 * strides, become row-major tensors. Tied ones, of the same place in one storage, are one tensor.
 * @param inFile makes tensors of whole storages whose elements stay in the file.
 * @throws Error that names the archive and the tensor: damaged archive, forbidden global, missing or short storage, or a
 * value that is not a tensor.
 */
export function readTorchSave(archive: ZipArchive, inFile: FileTensors): Map<string, Tensor> {
  const { label } = archive;
  const root = readTorchValue(archive, inFile);
  if (!(root instanceof Map)) throw new Error(`${label}: expected a dict of tensors`);
  const tensors = new Map<string, Tensor>();
  for (const [key, value] of root) {
    if (typeof key !== 'string' || !(value instanceof Tensor))
      throw new Error(`${label}: the value at '${String(key)}' is not a tensor`);
    tensors.set(key, value);
  }
  return tensors;
}

/**
 * Reads any data that `torch.save` wrote (counterpart: `torch.load` with `weights_only=True`): tensors as Octavo's, the
 * rest as pickles have it.
 * @throws Error as {@link readTorchSave} does.
 */
export function readTorchValue(archive: ZipArchive, inFile?: FileTensors): PickleValue {
  const { label } = archive;
  const pickleName = archive.names.find((name) => /^[^/]*\/data\.pkl$/.test(name));
  if (!pickleName) throw new Error(`${label}: there is no data.pkl, so this is no file of torch.save`);
  const prefix = pickleName.slice(0, -'data.pkl'.length);
  checkByteOrder(archive, prefix);
  const storages = new Storages(archive, prefix, inFile);
  try {
    return readPickle(archive.read(pickleName), {
      globals: torchGlobals,
      persistentLoad: (id) => storages.load(id),
    });
  } catch (error) {
    throw new Error(`${label}: ${(error as Error).message}`, { cause: error });
  }
}

function checkByteOrder(archive: ZipArchive, prefix: string): void {
  const name = `${prefix}byteorder`;
  const order = archive.has(name) ? new TextDecoder().decode(archive.read(name)).trim() : 'little';
  if (order !== 'little') throw new Error(`${archive.label}: byte order '${order}' is not supported`);
}

/** A storage with the element type that it was pickled with. */
class TypedStorage {
  readonly dtype: DType | undefined;
  readonly storage: TensorStorage;

  constructor(dtype: DType | undefined, storage: TensorStorage) {
    this.dtype = dtype;
    this.storage = storage;
  }
}

/** The storages of an archive: every tensor of one names it again. */
class Storages {
  readonly #archive: ZipArchive;
  readonly #prefix: string;
  readonly #inFile: FileTensors | undefined;
  readonly #budget = new RepetitionBudget();
  readonly #loaded = new Map<string, TypedStorage>();

  constructor(archive: ZipArchive, prefix: string, inFile: FileTensors | undefined) {
    this.#archive = archive;
    this.#prefix = prefix;
    this.#inFile = inFile;
  }

  load(id: PickleValue): TypedStorage {
    const [kind, type, key, , numel] = Array.isArray(id) ? id : [];
    if (kind !== 'storage' || !(type instanceof TypeName) || typeof key !== 'string' || !isSize(numel))
      throw new Error('a persistent id is not a storage');
    const name = `${type.name} ${numel} ${key}`;
    const known = this.#loaded.get(name);
    if (known) return known;
    const content = this.#archive.content(`${this.#prefix}data/${key}`);
    const expected = numel * (type.dtype ? byteSizeOf(type.dtype) : 1);
    if (content.length !== expected)
      throw new Error(
        `storage '${key}' (${type.name}) should have ${expected} bytes, but has ${content.length}`,
      );
    const storage = new TypedStorage(type.dtype, new TensorStorage(content, this.#budget, this.#inFile));
    this.#loaded.set(name, storage);
    return storage;
  }
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
  if (!(storage instanceof TypedStorage) || !isSize(offset)) throw new Error('a tensor has no storage');
  const shape = sizesOf(size, 'size');
  const strides = sizesOf(stride, 'stride');
  const elementType = dtype ?? storage.dtype;
  if (!elementType || strides.length !== shape.length) throw new Error('a tensor is described wrongly');
  return storage.storage.view(elementType, offset, shape, strides);
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
