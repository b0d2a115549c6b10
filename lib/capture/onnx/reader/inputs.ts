import { type Dim, isFoundByValues, SymInt } from '../../../graph/index.ts';
import { arrayTypeOf, type DType, numelOf, Tensor } from '../../../tensor/index.ts';
import { dtypeOfOnnx, onnxTypeName } from '../dtype.ts';
import type { GraphWriter } from './graph-writer.ts';
import { numberOf, type ValueInfoMessage } from './messages.ts';
import { ConstantValue, type OnnxValue } from './values.ts';

/** The value of an input that becomes a constant: a tensor, or the one element of it. */
export type BoundValue = Tensor | number | bigint | boolean;

/** What is decided about a model's inputs when it is read. */
export interface InputChoices {
  /** Inputs that become constants, by name. */
  readonly bind: ReadonlyMap<string, BoundValue>;
  /** Shapes of inputs, by name, where the file leaves sizes open. */
  readonly shapes: ReadonlyMap<string, InputShape>;
}

/** Sizes, and names of sizes that requests choose: two of one name are the same size. */
export type InputShape = readonly (number | string)[];

/** Makes the inputs of a model those of the graph. */
export class InputReader {
  readonly #writer: GraphWriter;
  readonly #choices: InputChoices;
  readonly #symbols = new Map<string, SymInt>();

  constructor(writer: GraphWriter, choices: InputChoices) {
    this.#writer = writer;
    this.#choices = choices;
  }

  /**
   * What an input's name stands for: an input of the graph, or the constant that it is bound to.
   * @throws Error that names the input: not a tensor, of a dtype Octavo does not have, of an unknown shape, or of another
   * shape than was given.
   */
  read(info: ValueInfoMessage): OnnxValue {
    const type = info.type?.tensorType;
    if (!type) throw new Error(`the input '${info.name}' is not a tensor`);
    const dtype = dtypeOfOnnx(type.elemType);
    if (!dtype)
      throw new Error(
        `the input '${info.name}' is of ${onnxTypeName(type.elemType)}, which Octavo does not have`,
      );
    const bound = this.#choices.bind.get(info.name);
    if (bound !== undefined) return new ConstantValue(boundTensor(info, bound, dtype), info.name);
    const input = this.#writer.input(info.name, { dtype, shape: this.#shape(info) });
    return dtype === 'float16' ? this.#writer.call('aten.to.dtype', [input, 'float32']) : input;
  }

  isBound(name: string): boolean {
    return this.#choices.bind.has(name);
  }

  /** @throws Error when something is decided about an input that there is not. */
  checkNames(names: readonly string[]): void {
    for (const [option, given] of Object.entries(this.#choices) as [string, ReadonlyMap<string, unknown>][])
      for (const name of given.keys())
        if (!names.includes(name))
          throw new Error(`${option}: there is no input '${name}'; the inputs are ${names.join(', ')}`);
  }

  #shape({ name, type }: ValueInfoMessage): Dim[] {
    const declared = type?.tensorType?.shape?.dim;
    const fixed = this.#choices.shapes.get(name);
    if (!declared && !fixed)
      throw new Error(`the file says no shape for the input '${name}'; give one with the option 'shapes'`);
    if (!declared) return fixed!.map((size) => this.#size(size, name));
    if (fixed && fixed.length !== declared.length)
      throw new Error(
        `shapes: the input '${name}' has ${declared.length} dimensions, got [${fixed.join(', ')}]`,
      );
    return declared.map((dim, axis) => {
      const size = declaredSize(dim.dimValue && numberOf(dim.dimValue), name);
      if (size === undefined) return this.#size(fixed?.[axis] ?? dim.dimParam ?? '', name);
      if (fixed && fixed[axis] !== size)
        throw new Error(
          `shapes: the input '${name}' has ${size} along axis ${axis}, got [${fixed.join(', ')}]`,
        );
      return size;
    });
  }

  #size(size: number | string, input: string): Dim {
    if (typeof size === 'string') return this.#symbol(size);
    if (Number.isSafeInteger(size) && size >= 0) return size;
    throw new Error(`shapes: the input '${input}' cannot have an extent of ${size}`);
  }

  /**
   * The symbol of a dimension's name, such as `batch`; one like `s0` of no name, of one that is not a word, and of one such as `u0`,
   * which are for sizes that values decide.
   */
  #symbol(name: string): SymInt {
    const known = name === '' ? undefined : this.#symbols.get(name);
    if (known) return known;
    const { rangeConstraints } = this.#writer.module;
    let text = /^[A-Za-z]\w*$/.test(name) && !isFoundByValues(name) ? name : 's0';
    for (let i = 1; rangeConstraints.has(text); i++) text = `s${i}`;
    rangeConstraints.set(text, { min: 1, max: Number.POSITIVE_INFINITY });
    const symbol = new SymInt([text]);
    if (name !== '') this.#symbols.set(name, symbol);
    return symbol;
  }
}

/** Exporters write 0 or -1 for a size that they do not know. */
function declaredSize(size: number | undefined, input: string): number | undefined {
  if (size === undefined || size <= 0) return undefined;
  if (!Number.isSafeInteger(size)) throw new Error(`the input '${input}' has an extent of ${size}`);
  return size;
}

/** A bound value as a tensor of the dtype and shape that the input has in the file. */
function boundTensor({ name, type }: ValueInfoMessage, bound: BoundValue, dtype: DType): Tensor {
  const declared = type?.tensorType?.shape?.dim.map(({ dimValue }) =>
    declaredSize(dimValue && numberOf(dimValue), name),
  );
  if (bound instanceof Tensor) {
    const fits =
      !declared ||
      (declared.length === bound.shape.length &&
        declared.every((size, axis) => size === undefined || size === bound.shape[axis]));
    if (bound.dtype === dtype && fits) return bound;
    const wanted = declared?.map((size) => size ?? '?').join(', ') ?? '?';
    throw new Error(
      `bind: the input '${name}' must be ${dtype}[${wanted}], got ${bound.dtype}[${bound.shape.join(', ')}]`,
    );
  }
  const shape = (declared ?? []).map((size) => size ?? 1);
  if (numelOf(shape) !== 1)
    throw new Error(`bind: the input '${name}' has the shape [${shape.join(', ')}]: give a Tensor`);
  if (dtype === 'float16' || dtype === 'bfloat16')
    throw new Error(`bind: the input '${name}' is of ${dtype}: give a Tensor`);
  const data = new (arrayTypeOf(dtype))(1);
  if (typeof bound === 'bigint' ? dtype !== 'int64' && !isSafe(bound) : !isOf(bound, dtype))
    throw new Error(`bind: ${bound} is not a value of the input '${name}', which is of ${dtype}`);
  data[0] = dtype === 'int64' ? BigInt(bound) : Number(bound);
  return new Tensor(dtype, data, shape);
}

const isSafe = (value: bigint): boolean => Number.isSafeInteger(Number(value));

const isOf = (value: number | boolean, dtype: DType): boolean =>
  dtype.startsWith('float') || Number.isSafeInteger(Number(value));
