import { operators } from '../aten/index.ts';
import { Arguments, type Dim } from '../graph/index.ts';
import type { DType, Tensor } from '../tensor/index.ts';

/**
 * A tensor as modules see it: a {@link Tensor}, or a traced value while a model is exported. A traced value's extents
 * may be symbolic, and its elements are not known.
 */
export interface Value {
  readonly dtype: DType;
  readonly shape: readonly Dim[];
}

/** An argument of an operator. Dtypes are strings. */
export type OperatorArgument = Value | Dim | string | boolean | null | readonly OperatorArgument[];

/** One operator call as a module makes it. */
export interface OperatorCall {
  /** `aten.relu.default` */
  readonly target: string;
  readonly args: readonly OperatorArgument[];
  readonly kwargs?: Readonly<Record<string, OperatorArgument>>;
  /** The Python function of PyTorch that makes this call: `torch.nn.functional.relu`. */
  readonly source: string;
  /** Arguments that are floats in PyTorch even if whole, where the operator's schema accepts integers, too. */
  readonly floats?: readonly string[];
}

/** A module within which operators are called, identified by reference. */
export interface Scope {
  /** The name of its class in graphs. */
  readonly type: string;
}

/**
 * Where operator calls go: they are computed, or recorded (counterpart: the modes of `torch.utils._python_dispatch`).
 */
export interface Dispatcher {
  call(call: OperatorCall): Value | readonly Value[];
  /** Runs `body` as part of `scope`. */
  within<T>(scope: Scope, body: () => T): T;
}

/** Computes every call immediately. */
const eager: Dispatcher = {
  call({ target, args, kwargs = {} }) {
    const operator = operators.get(target);
    return operator.execute(Arguments.bind<Tensor>(operator.schema, args, kwargs)) as Tensor | Tensor[];
  },
  within: (_scope, body) => body(),
};

let current: Dispatcher = eager;

/** Runs `body` with every operator call, in any module, redirected to `dispatcher`. */
export function withDispatcher<T>(dispatcher: Dispatcher, body: () => T): T {
  const outer = current;
  current = dispatcher;
  try {
    return body();
  } finally {
    current = outer;
  }
}

/** Runs `body` as part of `scope` in the current dispatcher. */
export function within<T>(scope: Scope, body: () => T): T {
  return current.within(scope, body);
}

/** Calls an operator with one result. */
export function callOperator(call: OperatorCall): Value {
  return current.call(call) as Value;
}

/** Calls an operator with several results. */
export function callOperatorForMany(call: OperatorCall): readonly Value[] {
  return current.call(call) as readonly Value[];
}
