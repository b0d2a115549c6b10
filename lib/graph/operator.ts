import type { Tensor } from '../tensor/index.ts';
import type { Arguments } from './arguments.ts';
import type { MetaValue, TensorMeta } from './node.ts';
import type { Schema } from './schema.ts';

/** What flows along an edge when a graph runs. */
export type RuntimeValue = Tensor | number | readonly Tensor[];

/** What a graph needs to know of an operator: how it is called, what comes out, and how to compute it now. */
export interface Operator {
  readonly schema: Schema;
  /** The first two arguments may change places, as long as the others have their defaults. */
  readonly commutative?: boolean;
  /**
   * Whether the result shares its first argument's memory in PyTorch: writing to one changes the other. Octavo's tensors are
   * immutable; capture has to know.
   */
  readonly sharesMemory?: boolean;
  /** Dtype and shape of the result; `tensors` in the arguments are metas. */
  infer(args: Arguments<TensorMeta>): MetaValue;
  /** Computes the result now, blocking. */
  execute(args: Arguments<Tensor>): RuntimeValue;
}

/** Where graphs look operators up; the one instance is in `lib/aten`. */
export interface OperatorLibrary {
  /** @throws Error that names the operator when it is not supported. */
  get(target: string): Operator;
  has(target: string): boolean;
}
