import { operators } from '../aten/index.ts';
import { Arguments, type Dim } from '../graph/index.ts';
import type { DType, Tensor } from '../tensor/index.ts';
import type { Module } from './module.ts';

/**
 * A tensor as modules see it: a {@link Tensor}, or, while a model is exported, what stands for one. Its extents may then
 * be symbolic, and its elements are not known.
 */
export interface Value {
  readonly dtype: DType;
  readonly shape: readonly Dim[];
}

/** What may be given to an operator. Dtypes are strings. */
export type OperatorArgument = Value | Dim | string | boolean | null | readonly OperatorArgument[];

/** One operator call as a module makes it. */
export interface OperatorCall {
  /** `aten.relu.default` */
  readonly target: string;
  readonly args: readonly OperatorArgument[];
  readonly kwargs?: Readonly<Record<string, OperatorArgument>>;
  /** The function of PyTorch's Python face that makes this call: `torch.nn.functional.relu`. */
  readonly source: string;
  /** Arguments that are floats in PyTorch whatever their value, where the operator's schema takes integers, too. */
  readonly floats?: readonly string[];
}

/** Where operator calls go: computed at once, or recorded. */
export interface Backend {
  call(call: OperatorCall): Value | readonly Value[];
  /** Runs `body` as part of `module`. */
  within<T>(module: Module, body: () => T): T;
}

/** Computes every call at once. */
const eager: Backend = {
  call({ target, args, kwargs = {} }) {
    const operator = operators.get(target);
    return operator.execute(Arguments.bind<Tensor>(operator.schema, args, kwargs)) as Tensor | Tensor[];
  },
  within: (_module, body) => body(),
};

let current: Backend = eager;

/** Runs `body` with every operator call, of whatever module, going to `backend`. */
export function withBackend<T>(backend: Backend, body: () => T): T {
  const outer = current;
  current = backend;
  try {
    return body();
  } finally {
    current = outer;
  }
}

/** Runs `body` as part of `module`, as the current backend sees it. */
export function withinModule<T>(module: Module, body: () => T): T {
  return current.within(module, body);
}

/** Calls an operator that has one result. */
export function callOperator(call: OperatorCall): Value {
  return current.call(call) as Value;
}

/** Calls an operator that has several results. */
export function callOperatorForMany(call: OperatorCall): readonly Value[] {
  return current.call(call) as readonly Value[];
}
