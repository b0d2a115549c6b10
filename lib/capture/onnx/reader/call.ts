import { normalizeAxis } from '../../../aten/index.ts';
import { type Dim, dimsEqual, mulDims, SymInt } from '../../../graph/index.ts';
import type { DType, Tensor } from '../../../tensor/index.ts';
import type { Attributes } from './attributes.ts';
import { type CallArgument, fixingSizes, type GraphWriter } from './graph-writer.ts';
import { ComputedValue, ConstantValue, describeValue, type OnnxValue, SizesValue } from './values.ts';

/** Reads one operator: writes calls, and says which values are the results. Trailing results may be left out. */
export type OperatorReader = (call: OnnxCall) => OnnxValue | readonly (OnnxValue | undefined)[];

/** One reader for all operator sets, or by the set since which an operator has the form that it reads. */
export type OperatorVersions = OperatorReader | Readonly<Record<number, OperatorReader>>;

/** Readers by `op_type`; operators of other domains have theirs in front: `com.microsoft.QLinearAdd`. */
export type OperatorTable = Readonly<Record<string, OperatorVersions>>;

/** What a node of the file asks for. */
export interface CallOf {
  readonly opType: string;
  readonly opset: number;
  readonly attributes: Attributes;
  readonly inputs: readonly (OnnxValue | undefined)[];
  /** For each output, whether anything reads it. */
  readonly wanted: readonly boolean[];
}

/** One node of the file on its way into the graph. */
export class OnnxCall implements CallOf {
  readonly opType: string;
  /** The version of the operator set that the model names for the operator's domain. */
  readonly opset: number;
  readonly attributes: Attributes;
  readonly inputs: readonly (OnnxValue | undefined)[];
  readonly wanted: readonly boolean[];
  readonly writer: GraphWriter;

  constructor(writer: GraphWriter, { opType, opset, attributes, inputs, wanted }: CallOf) {
    this.writer = writer;
    this.opType = opType;
    this.opset = opset;
    this.attributes = attributes;
    this.inputs = inputs;
    this.wanted = wanted;
  }

  /** The same node with other inputs, and of another operator set if that is said: what it is made of. */
  with(inputs: readonly (OnnxValue | undefined)[], opset = this.opset): OnnxCall {
    const { opType, attributes, wanted } = this;
    return new OnnxCall(this.writer, { opType, opset, attributes, inputs, wanted });
  }

  /** @throws Error when the input is left out. */
  input(index: number): OnnxValue {
    const value = this.inputs[index];
    if (!value) throw new Error(`input ${index} is missing`);
    return value;
  }

  optional(index: number): OnnxValue | undefined {
    return this.inputs[index];
  }

  /**
   * All inputs, of an operator that takes any number.
   * @throws Error when there are none, or one is missing.
   */
  all(): readonly OnnxValue[] {
    if (this.inputs.length === 0) throw new Error('its inputs are missing');
    return this.inputs.map((_, i) => this.input(i));
  }

  /** Adds a call of one result, or computes it where all arguments are constants. */
  call(target: string, ...args: readonly CallArgument[]): OnnxValue {
    return this.writer.call(target, args);
  }

  /** The same with arguments by name. */
  callWith(
    target: string,
    args: readonly CallArgument[],
    kwargs: Readonly<Record<string, CallArgument>>,
  ): OnnxValue {
    return this.writer.call(target, args, kwargs);
  }

  /** Adds a call of several results. */
  calls(target: string, ...args: readonly CallArgument[]): readonly OnnxValue[] {
    return this.writer.calls(target, args);
  }

  constant(tensor: Tensor): ConstantValue {
    return new ConstantValue(tensor, this.writer.origin.name);
  }

  /**
   * The elements of an input that becomes part of the graph's structure.
   * @param what the input, for messages.
   * @throws Error when they are known only when the model runs.
   */
  known(index: number, what: string): Tensor {
    const value = this.input(index);
    if (value instanceof ConstantValue) return value.tensor;
    throw new Error(
      `${what} (input ${index}) must be known when the file is read, but ` +
        (value instanceof ComputedValue
          ? `'${value.node}' computes it`
          : `it depends on the sizes of the inputs`),
    );
  }

  /** The same as numbers. */
  numbers(index: number, what: string): readonly number[] {
    return Array.from(this.known(index, what).data as ArrayLike<number | bigint>, Number);
  }

  /** The one element of an input, as a number. */
  number(index: number, what: string): number {
    const values = this.numbers(index, what);
    if (values.length !== 1)
      throw new Error(`${what} (input ${index}) must have one element, got ${values.length}`);
    return values[0];
  }

  /** The elements of an input that are sizes, which may depend on the inputs' sizes. */
  sizes(index: number, what: string): readonly Dim[] {
    const value = this.input(index);
    return value instanceof SizesValue ? value.elements : this.numbers(index, what);
  }

  /** The one element of an input that is a size. */
  size(index: number, what: string): Dim {
    const sizes = this.sizes(index, what);
    if (sizes.length !== 1)
      throw new Error(`${what} (input ${index}) must have one element, got ${sizes.length}`);
    return sizes[0];
  }

  /** A size as a number. @throws Error when it is symbolic. */
  static(dim: Dim, what: string): number {
    if (dim instanceof SymInt)
      throw new Error(
        `${what} must be known when the file is read, but it is ${dim}, a size that requests choose; ${fixingSizes}`,
      );
    return dim;
  }

  /** An axis, from the end where it is negative. */
  axis(axis: number, rank: number): number {
    return normalizeAxis(axis, rank, this.opType);
  }

  /** The value under another shape, where it is another one. */
  reshape(value: OnnxValue, shape: readonly Dim[]): OnnxValue {
    const isSame =
      value.shape.length === shape.length && shape.every((dim, i) => dimsEqual(dim, value.shape[i]));
    if (isSame) return value;
    // The form that quantizers know.
    if (value.shape.length > 2 && isFlattened(value.shape, shape))
      return this.call('aten.flatten.using_ints', value, 1);
    return this.call('aten.view.default', value, [...shape]);
  }

  /** The value in another dtype, where it has another one. */
  cast(value: OnnxValue, dtype: DType): OnnxValue {
    return value.dtype === dtype ? value : this.call('aten.to.dtype', value, dtype);
  }

  /** The number in a constant of one element. */
  numberIn(value: OnnxValue | undefined): number | undefined {
    if (!(value instanceof ConstantValue) || value.tensor.numel !== 1) return undefined;
    return value.dtype === 'bfloat16' || value.dtype === 'float16' ? undefined : Number(value.tensor.data[0]);
  }

  /** Fails unless an input has that many dimensions. */
  expectRank(value: OnnxValue, least: number, what = 'the input'): void {
    if (value.shape.length < least)
      throw new Error(`${what} must have at least ${least} dimensions, got ${describeValue(value)}`);
  }
}

/** Whether the first extent is kept, and all others are joined. */
function isFlattened(before: readonly Dim[], after: readonly Dim[]): boolean {
  if (after.length !== 2 || before.includes(0)) return false;
  const whole = [before[0], mulDims(...before.slice(1))];
  return after.every((dim, axis) => dim === -1 || dimsEqual(dim, whole[axis]));
}

/** The reader of a node of that operator set: the newest form that is not newer. */
export function versionFor(versions: OperatorVersions, opset: number): OperatorReader | undefined {
  if (typeof versions === 'function') return versions;
  const since = Object.keys(versions)
    .map(Number)
    .filter((version) => version <= opset);
  return since.length === 0 ? undefined : versions[Math.max(...since)];
}
