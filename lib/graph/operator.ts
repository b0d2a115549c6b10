import type { Tensor } from '../tensor/index.ts';
import type { Arguments } from './arguments.ts';
import type { MetaValue, TensorMeta } from './node.ts';
import type { Schema } from './schema.ts';

/** A value that a node computes when a graph runs. */
export type RuntimeValue = Tensor | number | readonly Tensor[];

/** What a graph needs to know about an operator: its schema, the meta of its result, and how to compute it. */
export interface Operator {
  readonly schema: Schema;
  /** Whether the first two arguments may be swapped, provided that the others have their defaults. */
  readonly commutative?: boolean;
  /**
   * Whether the result shares its first argument's memory in PyTorch: writing to one changes the other. Octavo's tensors are
   * immutable; capture has to know.
   */
  readonly sharesMemory?: boolean;
  /**
   * Whether the values of the arguments decide how long the first extent of the result is. What {@link infer} says of that
   * extent is then the most that it may be.
   */
  readonly decidesExtent?: boolean;
  /** Dtype and shape of the result; tensors among the arguments are metas. */
  infer(args: Arguments<TensorMeta>): MetaValue;
  /** Computes the result now, blocking. */
  execute(args: Arguments<Tensor>): RuntimeValue;
}

/** Where graphs look up operators. `lib/aten` holds the only instance. */
export interface OperatorLibrary {
  /** @throws Error that names the operator when it is not supported. */
  get(target: string): Operator;
  has(target: string): boolean;
}
