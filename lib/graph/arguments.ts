import { type DType, isDType } from '../tensor/index.ts';
import type { Schema, SchemaArgument } from './schema.ts';
import type { SymbolRanges } from './symbol-range.ts';
import { type Dim, SymInt } from './symbolic.ts';

/**
 * An operator call's arguments, bound to its schema: defaults are filled in, and `2` becomes `[2, 2]` where the schema
 * says `int[2]`. `T` represents a tensor: a Tensor when the graph runs, a TensorMeta when shapes are inferred.
 */
export class Arguments<T> {
  readonly schema: Schema;
  /** Ranges of the symbols in symbolic sizes. */
  readonly ranges: SymbolRanges;
  readonly #values: ReadonlyMap<string, unknown>;

  private constructor(schema: Schema, values: ReadonlyMap<string, unknown>, ranges: SymbolRanges) {
    this.schema = schema;
    this.ranges = ranges;
    this.#values = values;
  }

  /** @throws Error that names the operator and the argument: missing, unknown, or too many. */
  static bind<T>(
    schema: Schema,
    args: readonly unknown[],
    kwargs: Readonly<Record<string, unknown>> = {},
    ranges: SymbolRanges = new Map(),
  ): Arguments<T> {
    const values = new Map<string, unknown>();
    const positional = schema.arguments.filter((argument) => !argument.keywordOnly);
    if (args.length > positional.length)
      throw new Error(`${schema.name} takes ${positional.length} positional arguments, got ${args.length}`);
    for (const name of Object.keys(kwargs))
      if (!schema.arguments.some((argument) => argument.name === name))
        throw new Error(`${schema.name} has no argument '${name}'`);
    for (const argument of schema.arguments) {
      const at = positional.indexOf(argument);
      let value = at >= 0 && at < args.length ? args[at] : kwargs[argument.name];
      if (value === undefined) value = argument.defaultValue;
      if (value === undefined) {
        if (!argument.optional)
          throw new Error(`${schema.name}: argument '${argument.name}' (${argument.type}) is missing`);
        value = null;
      }
      values.set(argument.name, spread(argument, value));
    }
    return new Arguments<T>(schema, values, ranges);
  }

  /** The argument, unconverted. */
  raw(name: string): unknown {
    if (!this.#values.has(name)) throw new Error(`${this.schema.name} has no argument '${name}'`);
    return this.#values.get(name);
  }

  isNone(name: string): boolean {
    return this.raw(name) === null;
  }

  tensor(name: string): T {
    return this.#expect(
      name,
      (v) => typeof v === 'object' && v !== null && !Array.isArray(v),
      'a tensor',
    ) as T;
  }

  optionalTensor(name: string): T | null {
    return this.isNone(name) ? null : this.tensor(name);
  }

  tensors(name: string): readonly T[] {
    return this.#expect(name, Array.isArray, 'a list of tensors') as readonly T[];
  }

  number(name: string): number {
    return this.#expect(name, (v) => this.#isNumber(name, v), this.#numberOf(name)) as number;
  }

  optionalNumber(name: string): number | null {
    return this.isNone(name) ? null : this.number(name);
  }

  numbers(name: string): readonly number[] {
    const isNumbers = (v: unknown) => Array.isArray(v) && v.every((item) => this.#isNumber(name, item));
    return this.#expect(name, isNumbers, `a list, each ${this.#numberOf(name)}`) as readonly number[];
  }

  optionalNumbers(name: string): readonly number[] | null {
    return this.isNone(name) ? null : this.numbers(name);
  }

  /** An integer that may be symbolic while shapes are inferred. */
  dim(name: string): Dim {
    return this.#expect(name, isDim, 'a whole number') as Dim;
  }

  optionalDim(name: string): Dim | null {
    return this.isNone(name) ? null : this.dim(name);
  }

  /** Integers that may be symbolic while shapes are inferred. */
  dims(name: string): readonly Dim[] {
    const isDims = (v: unknown) => Array.isArray(v) && v.every(isDim);
    return this.#expect(name, isDims, 'a list of whole numbers') as readonly Dim[];
  }

  bool(name: string): boolean {
    return this.#expect(name, (v) => typeof v === 'boolean', 'true or false') as boolean;
  }

  string(name: string): string {
    return this.#expect(name, (v) => typeof v === 'string', 'a string') as string;
  }

  dtype(name: string): DType {
    return this.#expect(name, (v) => typeof v === 'string' && isDType(v), 'a dtype') as DType;
  }

  /** Only whole numbers count where the schema says `int` or `int[]`. */
  #isNumber(name: string, value: unknown): boolean {
    return typeof value === 'number' && (!this.#isWhole(name) || Number.isInteger(value));
  }

  #numberOf(name: string): string {
    return this.#isWhole(name) ? 'a whole number' : 'a number';
  }

  #isWhole(name: string): boolean {
    return /^int/.test(this.schema.arguments.find((argument) => argument.name === name)?.type ?? '');
  }

  #expect(name: string, test: (value: unknown) => boolean, what: string): unknown {
    const value = this.raw(name);
    if (!test(value))
      throw new Error(`${this.schema.name}: argument '${name}' must be ${what}, got ${String(value)}`);
    return value;
  }
}

const isDim = (value: unknown): value is Dim => Number.isInteger(value) || value instanceof SymInt;

function spread(argument: SchemaArgument, value: unknown): unknown {
  if (argument.length === undefined || value === null) return value;
  if (typeof value === 'number') return Array(argument.length).fill(value);
  if (Array.isArray(value) && value.length === 1) return Array(argument.length).fill(value[0]);
  return value;
}
