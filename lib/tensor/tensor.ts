import { arrayTypeOf, byteSizeOf, type DType, isDType, type TensorData } from './dtype.ts';

/** The shape of onnxruntime-common's `Tensor`, which Octavo accepts wherever it accepts a tensor. */
export interface ForeignTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: unknown;
}

/** Number of elements of a shape; 1 for a scalar's empty shape. */
export function numelOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** Strides, in elements, of a contiguous row-major tensor (`torch.Tensor.stride`). */
export function rowMajorStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1] * Math.max(shape[i + 1], 1);
  return strides;
}

/** Whether two strides address the same elements. Strides of axes of extent 1 do not matter. */
export function sameStrides(shape: readonly number[], a: readonly number[], b: readonly number[]): boolean {
  return shape.includes(0) || shape.every((extent, axis) => extent === 1 || a[axis] === b[axis]);
}

/** Whether elements are stored contiguously in row-major order. */
export function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  return sameStrides(shape, strides, rowMajorStrides(shape));
}

/**
 * A contiguous, row-major tensor over a TypedArray (counterpart: `torch.Tensor` on the CPU). The constructor does not
 * copy: `data` is the array it received.
 */
export class Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TensorData;

  /**
   * @throws Error when an extent is not a non-negative integer, when the array type does not fit the dtype, or when the
   * number of elements does not equal the product of the shape.
   */
  constructor(dtype: DType, data: TensorData, shape: readonly number[]) {
    if (!isDType(dtype)) throw new Error(`Tensor: unknown dtype '${String(dtype)}'`);
    if (!Array.isArray(shape))
      throw new Error(`Tensor: shape must be an array of non-negative integers, got ${String(shape)}`);
    for (const extent of shape)
      if (!Number.isSafeInteger(extent) || extent < 0)
        throw new Error(`Tensor: shape [${shape.join(', ')}] must hold non-negative integers`);
    if (!(data instanceof arrayTypeOf(dtype)))
      throw new Error(`Tensor: ${dtype} needs a ${arrayTypeOf(dtype).name}, got ${data?.constructor?.name}`);
    if (data.length !== numelOf(shape))
      throw new Error(
        `Tensor: shape [${shape.join(', ')}] has ${numelOf(shape)} elements, but data has ${data.length}`,
      );
    this.dtype = dtype;
    this.data = data;
    this.shape = Object.freeze([...shape]);
  }

  /** Number of elements (`torch.Tensor.numel`). */
  get numel(): number {
    return numelOf(this.shape);
  }

  /** Size in bytes (`torch.Tensor.nbytes`). */
  get byteLength(): number {
    return this.numel * byteSizeOf(this.dtype);
  }

  /** A tensor of zeros (`torch.zeros`). */
  static zeros(dtype: DType, shape: readonly number[]): Tensor {
    return new Tensor(dtype, new (arrayTypeOf(dtype))(numelOf(shape)), shape);
  }

  /**
   * A tensor from plain numbers, rounded and wrapped as the array type does it. `bfloat16` and `float16` are rejected:
   * convert explicitly.
   */
  static from(dtype: DType, values: ArrayLike<number>, shape: readonly number[] = [values.length]): Tensor {
    if (dtype === 'bfloat16' || dtype === 'float16')
      throw new Error(`Tensor.from: ${dtype} holds raw bits; convert with floatToBfloat16 first`);
    if (dtype === 'int64') {
      // Six times as fast as BigInt64Array.from with a function.
      const data = new BigInt64Array(values.length);
      for (let i = 0; i < values.length; i++) data[i] = BigInt(values[i]);
      return new Tensor('int64', data, shape);
    }
    const data = new (arrayTypeOf(dtype))(values.length) as Float64Array;
    data.set(values as ArrayLike<number>);
    return new Tensor(dtype, data, shape);
  }

  /** A 0-dimensional tensor. */
  static scalar(dtype: DType, value: number): Tensor {
    return Tensor.from(dtype, [value], []);
  }

  /**
   * Returns Octavo's own tensors unchanged and wraps onnxruntime-common's without a copy.
   * @throws Error when `value` is neither, or has an element type that Octavo does not support.
   */
  static accept(value: Tensor | ForeignTensor, name = 'tensor'): Tensor {
    if (value instanceof Tensor) return value;
    const foreign = value as Partial<ForeignTensor> | null | undefined;
    if (!foreign || typeof foreign.type !== 'string' || !Array.isArray(foreign.dims))
      throw new Error(`${name}: expected a Tensor or an object { type, data, dims }`);
    if (!isDType(foreign.type))
      throw new Error(`${name}: element type '${foreign.type}' is not one of Octavo's dtypes`);
    return new Tensor(foreign.type, foreign.data as TensorData, foreign.dims);
  }

  /**
   * The same elements under another shape (`torch.Tensor.view`); one extent may be -1.
   * @throws Error when the number of elements differs, or -1 is ambiguous.
   */
  view(shape: readonly number[]): Tensor {
    const open = shape.indexOf(-1);
    const known = numelOf(shape.filter((extent) => extent !== -1));
    // With 0 elements -1 is ambiguous: any extent would fit.
    if (open >= 0 && this.numel % known !== 0)
      throw new Error(
        `Tensor.view: no single extent can take the place of -1 in [${shape.join(', ')}] for ${this.numel} elements`,
      );
    const full = open < 0 ? shape : shape.map((extent, i) => (i === open ? this.numel / known : extent));
    return new Tensor(this.dtype, this.data, full);
  }

  /** A copy with its own array (`torch.Tensor.clone`). */
  clone(): Tensor {
    return new Tensor(this.dtype, this.data.slice() as TensorData, this.shape);
  }

  /** Elements as JavaScript numbers; 64-bit integers beyond 2^53 throw. */
  toArray(): number[] {
    return Array.from(this.data as ArrayLike<number | bigint>, (value) => {
      if (typeof value === 'bigint' && !Number.isSafeInteger(Number(value)))
        throw new Error(`Tensor.toArray: ${value} does not fit a JavaScript number`);
      return Number(value);
    });
  }

  /** The single element of a one-element tensor (`torch.Tensor.item`). */
  item(): number {
    if (this.numel !== 1) throw new Error(`Tensor.item: the tensor has ${this.numel} elements, not one`);
    return this.toArray()[0] as number;
  }

  /** The elements' bytes, without a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.data.buffer, this.data.byteOffset, this.data.byteLength);
  }

  /** A tensor over raw little-endian bytes; copies only when the bytes are not aligned for the dtype. */
  static fromBytes(dtype: DType, bytes: Uint8Array, shape: readonly number[]): Tensor {
    const size = byteSizeOf(dtype);
    if (bytes.byteLength !== numelOf(shape) * size)
      throw new Error(
        `Tensor.fromBytes: ${dtype} [${shape.join(', ')}] needs ${numelOf(shape) * size} bytes, got ${bytes.byteLength}`,
      );
    // Not `slice`: on a Buffer it returns a view, which is just as unaligned.
    const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
    return new Tensor(
      dtype,
      new (arrayTypeOf(dtype))(aligned.buffer, aligned.byteOffset, numelOf(shape)),
      shape,
    );
  }
}
