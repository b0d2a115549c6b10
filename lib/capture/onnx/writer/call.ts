import { normalizeAxis, operators } from '../../../aten/index.ts';
import { Arguments, type Dim, dimsEqual, SymInt, type TensorMeta } from '../../../graph/index.ts';
import { type DType, floatToBfloat16, integerRange, isFloatingPoint, Tensor } from '../../../tensor/index.ts';
import { onnxDataTypes } from '../dtype.ts';
import { computedIn, type OnnxOpset } from './dtypes.ts';
import { type OnnxAttributes, OnnxFloat, type OnnxGraphBuilder } from './graph-builder.ts';
import type { SizeWriter } from './sizes.ts';
import { OnnxValue, type ValueFacts } from './value.ts';

/**
 * Writes one operator: adds ONNX nodes through the call and returns its result or results. A single result is cast to the
 * dtype that PyTorch's operator returns.
 */
export type OnnxEmitter = (call: OnnxCall) => OnnxValue | readonly OnnxValue[];

/** Emitters by operator, as `aten.NAME.OVERLOAD` or the like; in-place operators are not listed. */
export type OnnxEmitters = Readonly<Record<string, OnnxEmitter>>;

/** The graph that calls write to. */
export interface OnnxTarget {
  readonly builder: OnnxGraphBuilder;
  readonly sizes: SizeWriter;
  readonly opset: OnnxOpset;
}

/** Dtype or shape of a value where they differ from those of the node's first input, and what is known of it. */
export interface ResultOf extends ValueFacts {
  readonly dtype?: DType;
  readonly shape?: readonly Dim[];
}

/** One call of the graph that is being written as ONNX nodes. */
export class OnnxCall {
  readonly args: Arguments<OnnxValue>;
  /** Dtype and shape of each result. */
  readonly metas: readonly TensorMeta[];
  readonly opset: OnnxOpset;
  readonly #target: OnnxTarget;
  readonly #name: string;
  readonly #made = new Set<OnnxValue>();

  constructor(target: OnnxTarget, name: string, args: Arguments<OnnxValue>, metas: readonly TensorMeta[]) {
    this.opset = target.opset;
    this.args = args;
    this.metas = metas;
    this.#target = target;
    this.#name = name;
  }

  /** What the call returns, of the results of its emitter. */
  finish(results: OnnxValue | readonly OnnxValue[]): OnnxValue | readonly OnnxValue[] {
    if (!(results instanceof OnnxValue)) return results;
    const value = this.cast(results, this.meta.dtype);
    if (this.#made.has(value)) value.settle(this.#name, this.meta.shape);
    return value;
  }

  /** Dtype and shape of the result, or of the first of several. */
  get meta(): TensorMeta {
    return this.metas[0];
  }

  get rank(): number {
    return this.meta.shape.length;
  }

  /** The argument that most operators compute on. */
  get self(): OnnxValue {
    return this.args.tensor(this.args.schema.arguments[0].name);
  }

  /**
   * Adds a node and returns its output.
   * @param result what differs from the first input; the shape does not matter where nothing asks for it.
   */
  op(
    opType: string,
    inputs: readonly (OnnxValue | null)[],
    attributes: OnnxAttributes = {},
    result: ResultOf = {},
  ): OnnxValue {
    const first = inputs.find((input) => input !== null);
    const { dtype = first!.dtype, shape = first!.shape, ...facts } = result;
    const value = new OnnxValue({ dtype, shape }, `${this.#name}/${opType}`, facts);
    this.#target.builder.node(opType, inputs, [value], attributes);
    this.#made.add(value);
    return value;
  }

  /** Adds a node of several outputs. */
  ops(
    opType: string,
    inputs: readonly (OnnxValue | null)[],
    attributes: OnnxAttributes,
    results: readonly (TensorMeta & ValueFacts)[],
  ): readonly OnnxValue[] {
    const values = results.map(
      ({ dtype, shape, ...facts }, i) =>
        new OnnxValue({ dtype, shape }, `${this.#name}/${opType}_${i}`, facts),
    );
    this.#target.builder.node(opType, inputs, values, attributes);
    return values;
  }

  /** The dtype in which that operator computes the result. */
  working(opType: string, dtype = this.meta.dtype): DType {
    return computedIn(opType, dtype, this.opset);
  }

  /** The dtype in which functions of real numbers compute the result. */
  get real(): DType {
    return this.working('', this.meta.dtype);
  }

  /** An argument in a dtype: a tensor, a number, or a size. */
  operand(name: string, dtype: DType): OnnxValue {
    const value = this.args.raw(name);
    if (typeof value === 'number' || typeof value === 'boolean') return this.scalar(Number(value), dtype);
    if (value instanceof SymInt) return this.cast(this.size(value), dtype);
    return this.cast(this.args.tensor(name), dtype);
  }

  /** The value in another dtype, where it has another one. */
  cast(value: OnnxValue, dtype: DType): OnnxValue {
    if (value.dtype === dtype) return value;
    if (value.facts.widenedFrom?.dtype === dtype) return value.facts.widenedFrom;
    const { constant } = value;
    if (constant) return this.constant(this.fold('aten.to.dtype', constant, dtype), value.wish);
    const isWidened = dtype === 'int64' && integerRange(value.dtype) !== undefined;
    return this.op(
      'Cast',
      [value],
      { to: onnxDataTypes[dtype] },
      { dtype, ...(isWidened ? { widenedFrom: value } : {}) },
    );
  }

  /** A constant that belongs to this call. */
  constant(tensor: Tensor, wish = `${this.#name}/constant`): OnnxValue {
    return new OnnxValue(tensor, wish, { constant: tensor });
  }

  /** A number without dimensions. Numbers out of the range of integers are their ends. */
  scalar(value: number, dtype: DType): OnnxValue {
    if (dtype === 'bfloat16') return this.constant(new Tensor(dtype, floatToBfloat16([value]), []));
    if (dtype === 'bool') return this.constant(Tensor.scalar(dtype, Number(value !== 0)));
    return this.constant(Tensor.scalar(dtype, isFloatingPoint(dtype) ? value : Math.trunc(value)));
  }

  /** Axes, sizes and the like, which ONNX expects as int64 tensors. */
  integers(values: readonly number[]): OnnxValue {
    return this.constant(Tensor.from('int64', values));
  }

  /** Sizes as an int64 tensor, which is computed where requests choose some. */
  sizes(dims: readonly Dim[]): OnnxValue {
    return this.#target.sizes.list(dims);
  }

  /** A size without dimensions. */
  size(dim: Dim): OnnxValue {
    if (typeof dim === 'number') return this.scalar(dim, 'int64');
    return this.op('Squeeze', [this.#target.sizes.value(dim), this.integers([0])], {}, { shape: [] });
  }

  /** An operator of Octavo's on constants, computed now. */
  fold(target: string, ...args: readonly unknown[]): Tensor {
    const operator = operators.get(target);
    return operator.execute(Arguments.bind<Tensor>(operator.schema, args)) as Tensor;
  }

  /** An axis, counted from the start. */
  axisOf(axis: number, rank: number): number {
    return normalizeAxis(axis, rank, this.args.schema.name);
  }

  /** The axis of `self` that the argument `dim` names. */
  get axis(): number {
    return this.axisOf(this.args.number('dim'), this.self.rank);
  }

  /** An extent as a number. @throws Error when requests choose it. */
  static(dim: Dim, what: string): number {
    if (typeof dim === 'number') return dim;
    throw new Error(`${what} must be known when the model is exported, but it is ${dim}`);
  }

  /** Extents as numbers. @throws Error as {@link static} does. */
  extents(shape: readonly Dim[], what: string): readonly number[] {
    return shape.map((dim) => this.static(dim, what));
  }

  /** Refuses what ONNX has only since a later operator set. */
  since(opset: number, opType: string): void {
    if (this.opset < opset)
      throw new Error(
        `ONNX has ${opType} since operator set ${opset}: export with { opset: 21 }, not ${this.opset}`,
      );
  }

  /** The value under another shape, where it is another one. */
  reshape(value: OnnxValue, shape: readonly Dim[]): OnnxValue {
    const isSame = (dim: Dim, axis: number) => axis < value.rank && dimsEqual(dim, value.shape[axis]);
    if (shape.length === value.rank && shape.every(isSame)) return value;
    if (shape.includes(0)) return this.#reshapeNothing(value, shape);
    // A 0 copies an extent; one may be left out.
    const named = shape.map((dim, axis) => (dim instanceof SymInt && isSame(dim, axis) ? 0 : dim));
    const open = named.filter((dim) => dim instanceof SymInt).length;
    const target = open === 1 ? named.map((dim) => (dim instanceof SymInt ? -1 : dim)) : named;
    return this.op('Reshape', [value, this.sizes(target)], {}, { shape, viewOf: value });
  }

  /** Of no elements: before operator set 14 a 0 always copies an extent. */
  #reshapeNothing(value: OnnxValue, shape: readonly Dim[]): OnnxValue {
    if (this.opset >= 14) return this.op('Reshape', [value, this.sizes(shape)], { allowzero: 1 }, { shape });
    return this.constant(Tensor.zeros(value.dtype, this.extents(shape, 'a shape without elements')));
  }

  /** The axes in another order. */
  transpose(value: OnnxValue, perm: readonly number[]): OnnxValue {
    if (perm.every((axis, i) => axis === i)) return value;
    if (value.constant)
      return this.constant(this.fold('aten.permute.default', value.constant, perm), value.wish);
    return this.op('Transpose', [value], { perm }, { shape: perm.map((axis) => value.shape[axis]) });
  }

  /** Extents of 1 added, at these axes of the result in ascending order. */
  unsqueeze(value: OnnxValue, axes: readonly number[]): OnnxValue {
    const shape = axes.reduce<Dim[]>((dims, axis) => dims.toSpliced(axis, 0, 1), [...value.shape]);
    if (value.constant) return this.constant(value.constant.view(shape as number[]), value.wish);
    return this.op('Unsqueeze', [value, this.integers(axes)], {}, { shape });
  }

  /** Extents of 1 taken away. */
  squeeze(value: OnnxValue, axes: readonly number[]): OnnxValue {
    const shape = value.shape.filter((_, axis) => !axes.includes(axis));
    return this.op('Squeeze', [value, this.integers(axes)], {}, { shape });
  }

  /** A part of an axis, without an end up to its end. */
  slice(value: OnnxValue, axis: number, start: Dim, end?: Dim, step = 1): OnnxValue {
    const bounds = [this.sizes([start]), this.sizes([end ?? Number.MAX_SAFE_INTEGER])];
    return this.op('Slice', [value, ...bounds, this.integers([axis]), this.integers([step])]);
  }

  concat(values: readonly OnnxValue[], axis: number): OnnxValue {
    return this.op('Concat', values, { axis });
  }

  /** The value repeated to a shape that it broadcasts to. */
  expand(value: OnnxValue, shape: readonly Dim[]): OnnxValue {
    const added = shape.length - value.rank;
    const isKept = (dim: Dim, axis: number) => axis >= added && dimsEqual(dim, value.shape[axis - added]);
    if (added === 0 && shape.every(isKept)) return value;
    // An extent of 1 keeps what is there.
    const wanted = shape.map((dim, axis) => (dim instanceof SymInt && isKept(dim, axis) ? 1 : dim));
    return this.op('Expand', [value, this.sizes(wanted)], {}, { shape });
  }

  /** `a` where the condition holds, else `b`, of one dtype. */
  where(condition: OnnxValue, a: OnnxValue, b: OnnxValue): OnnxValue {
    return this.op('Where', [condition, a, b], {}, { dtype: a.dtype, shape: a.shape });
  }

  /** A comparison, or another question whose answer is bool. */
  ask(opType: string, ...inputs: readonly OnnxValue[]): OnnxValue {
    return this.op(opType, inputs, {}, { dtype: 'bool' });
  }

  /** A reduction over axes of `value`; without axes, all. `ReduceSum` has had its axes as an input longer than others. */
  reduce(opType: string, value: OnnxValue, axes: readonly number[], keepdims: boolean): OnnxValue {
    const shape = value.shape.flatMap((dim, axis) => (!axes.includes(axis) ? [dim] : keepdims ? [1] : []));
    const attributes = { keepdims: keepdims ? 1 : 0 };
    const hasInput = this.opset >= 18 || opType === 'ReduceSum';
    return hasInput
      ? this.op(opType, [value, this.integers(axes)], attributes, { shape })
      : this.op(opType, [value], { axes, ...attributes }, { shape });
  }
}

/** An attribute of ONNX type `float`. */
export function float(value: number): OnnxFloat {
  return new OnnxFloat(value);
}

/** 0, 1, … */
export const upTo = (count: number): number[] => [...Array(count).keys()];
