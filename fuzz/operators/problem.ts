import type { DType } from '../../lib/index.ts';
import type { Problem } from '../kind.ts';

/** What the elements of a tensor are. */
export type Filling =
  | 'ordinary'
  | 'nan'
  | 'infinite'
  | 'zero'
  | 'huge'
  | 'negative'
  | 'integers'
  | 'denormal';

/** A tensor as an argument. Its elements follow from the problem's seed. */
export interface TensorArgument {
  readonly tensor: DType;
  readonly shape: readonly number[];
  readonly filling?: Filling;
  /** Part of the graph, not an input. */
  readonly constant?: boolean;
  /** The axes that it is stored in, where that is another order: it reaches the operator through a permute. */
  readonly order?: readonly number[];
}

export type OperatorArgument =
  | number
  | string
  | boolean
  | null
  | TensorArgument
  | readonly OperatorArgument[];

/** One call of an operator. */
export interface OperatorCall {
  readonly target: string;
  readonly args: readonly OperatorArgument[];
  readonly kwargs: Readonly<Record<string, OperatorArgument>>;
}

export interface OperatorProblem extends Problem, OperatorCall {}

export const isTensor = (argument: OperatorArgument): argument is TensorArgument =>
  typeof argument === 'object' && argument !== null && 'tensor' in argument;

export const isList = (argument: OperatorArgument): argument is readonly OperatorArgument[] =>
  Array.isArray(argument);
