import { operators } from '../aten/index.ts';
import { Arguments, type Dim } from '../graph/index.ts';
import type { DType, Tensor } from '../tensor/index.ts';

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

/** What operator calls are made within: a module. Its identity says which one. */
export interface Scope {
  /** The class as graphs name it. */
  readonly type: string;
}

/** Where operator calls go: computed at once, or recorded (counterpart: `torch.utils._python_dispatch`'s modes). */
export interface Dispatcher {
  call(call: OperatorCall): Value | readonly Value[];
  /** Runs `body` as part of `scope`. */
  within<T>(scope: Scope, body: () => T): T;
}

/** Computes every call at once. */
const eager: Dispatcher = {
  call({ target, args, kwargs = {} }) {
    const operator = operators.get(target);
    return operator.execute(Arguments.bind<Tensor>(operator.schema, args, kwargs)) as Tensor | Tensor[];
  },
  within: (_scope, body) => body(),
};

let current: Dispatcher = eager;

/** Runs `body` with every operator call, of any module, going to `dispatcher`. */
export function withDispatcher<T>(dispatcher: Dispatcher, body: () => T): T {
  const outer = current;
  current = dispatcher;
  try {
    return body();
  } finally {
    current = outer;
  }
}

/** Runs `body` as part of `scope`, as the current dispatcher sees it. */
export function within<T>(scope: Scope, body: () => T): T {
  return current.within(scope, body);
}

/** Calls an operator that has one result. */
export function callOperator(call: OperatorCall): Value {
  return current.call(call) as Value;
}

/** Calls an operator that has several results. */
export function callOperatorForMany(call: OperatorCall): readonly Value[] {
  return current.call(call) as readonly Value[];
}
