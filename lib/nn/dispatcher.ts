import { operators } from '../aten/index.ts';
import { Arguments, type CallableModule, type Dim } from '../graph/index.ts';
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
  /** Passes a value through an observer or a fake quantizer. */
  callModule(module: CallableModule, x: Value): Value;
  /** Runs `body` as part of `scope`. */
  within<T>(scope: Scope, body: () => T): T;
}

/** Computes every call immediately. */
const eager: Dispatcher = {
  call({ target, args, kwargs = {} }) {
    const operator = operators.get(target);
    return operator.execute(Arguments.bind<Tensor>(operator.schema, args, kwargs)) as Tensor | Tensor[];
  },
  callModule: (module, x) => module.forward(x as Tensor),
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

/** A value that knows itself what operators make of it (counterpart: `__torch_function__`). */
export interface ValueWithOperators extends Value {
  /** Calls an operator with this value among its arguments. */
  callOperator(call: OperatorCall): Value | readonly Value[];
}

/** Whether an argument is a value that no dispatcher knows. */
export const hasOperators = (arg: OperatorArgument): arg is ValueWithOperators =>
  typeof arg === 'object' && arg !== null && 'callOperator' in arg;

function call(called: OperatorCall): Value | readonly Value[] {
  const value = called.args.flat().find(hasOperators);
  return value ? value.callOperator(called) : current.call(called);
}

/** Calls an operator with one result. */
export function callOperator(called: OperatorCall): Value {
  return call(called) as Value;
}

/** Calls an operator with several results. */
export function callOperatorForMany(called: OperatorCall): readonly Value[] {
  return call(called) as readonly Value[];
}

/**
 * Passes a value through an observer or a fake quantizer.
 * @throws Error when it is several values, of which none is the one to observe, or is quantized already.
 */
export function callModule(module: CallableModule, x: Value): Value {
  if (Array.isArray(x)) throw new Error(`${module.constructor.name} observes one value, got ${x.length}`);
  if (hasOperators(x))
    throw new Error(`${module.constructor.name} observes real numbers, got a quantized value`);
  return current.callModule(module, x);
}
