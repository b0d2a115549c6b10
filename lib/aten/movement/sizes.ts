import {
  type Arguments,
  addDims,
  type Dim,
  floorDivDims,
  isAtMost,
  isEqual,
  maxDims,
  minDims,
  modDims,
  mulDims,
  SymFloat,
  SymInt,
  subDims,
  type TensorMeta,
  truncate,
} from '../../graph/index.ts';
import type { HostDefinition, OperatorDefinition } from '../registry.ts';
import { normalizeAxis } from '../shape-rules.ts';

/** A function of sizes, with one rule for symbols and for numbers. It returns a number for numbers. */
function size<T>(schema: string, rule: (args: Arguments<T>) => Dim): HostDefinition {
  return {
    schema,
    infer: (args) => rule(args as Arguments<T>),
    host: (args) => rule(args as Arguments<T>) as number,
  };
}

/** A number computed from sizes: whole, or real. */
type Real = Dim | SymFloat;

function realOf(args: Arguments<unknown>, name: string): Real {
  const value = args.raw(name);
  if (typeof value === 'number' || value instanceof SymInt || value instanceof SymFloat) return value;
  throw new Error(`${args.schema.name}: argument '${name}' must be a number, got ${String(value)}`);
}

const isWhole = (value: Real): value is Dim =>
  typeof value === 'number' ? Number.isInteger(value) : value instanceof SymInt;

/** A function of real numbers: computed when all of them are known. */
function real(
  schema: string,
  names: readonly string[],
  text: (...operands: readonly Real[]) => string,
  compute: (...operands: readonly number[]) => number,
): HostDefinition {
  const rule = (args: Arguments<unknown>) => {
    const operands = names.map((name) => realOf(args, name));
    const isKnown = operands.every((operand) => typeof operand === 'number');
    return isKnown ? compute(...(operands as number[])) : new SymFloat(text(...operands));
  };
  return { schema, infer: rule, host: (args) => rule(args) as number };
}

/** A real number without its fraction, which is a size again. */
const truncation = (name: string, argument: string) =>
  size<unknown>(`${name}(SymFloat ${argument}) -> SymInt`, (args) => truncate(realOf(args, argument)));

type SizeRule = (a: Dim, b: Dim, args: Arguments<unknown>) => Dim;

/**
 * A function of two sizes, or of real numbers where one of them is none.
 * @param symbol the function in Python.
 */
function binary(
  name: string,
  symbol: string,
  rule: SizeRule,
  compute: (a: number, b: number) => number,
): HostDefinition {
  const schema = `${name}(SymInt a, SymInt b) -> SymInt`;
  const ofReals = real(schema, ['a', 'b'], (a, b) => `(${a} ${symbol} ${b})`, compute);
  const either = (args: Arguments<unknown>) => {
    const [a, b] = [realOf(args, 'a'), realOf(args, 'b')];
    return isWhole(a) && isWhole(b)
      ? rule(a, b, args)
      : (ofReals.infer(args as Arguments<TensorMeta>) as Real);
  };
  return { schema, infer: either, host: (args) => either(args) as number };
}

/** A comparison returns 1 or 0, the values of Python's `True` and `False`. */
function comparison(
  name: string,
  symbol: string,
  holds: (...args: Parameters<SizeRule>) => boolean | undefined,
) {
  return size<unknown>(`operator::${name}(SymInt a, SymInt b) -> SymInt`, (args) => {
    const [a, b] = [realOf(args, 'a'), realOf(args, 'b')];
    const isOpen = a instanceof SymFloat || b instanceof SymFloat;
    const known = isOpen ? undefined : holds(a, b, args);
    return known === undefined ? new SymInt([`(${a} ${symbol} ${b})`]) : Number(known);
  });
}

const not = (truth: boolean | undefined) => (truth === undefined ? undefined : !truth);

function power(a: Dim, exponent: Dim): Dim {
  if (typeof a === 'number' && typeof exponent === 'number') return a ** exponent;
  if (typeof exponent !== 'number' || exponent < 0)
    throw new Error(`the size ${a} can be raised to a known power of at least 0, got ${exponent}`);
  return mulDims(...Array<Dim>(exponent).fill(a));
}

/** If a comparison fails at run time, the model does not support this request's sizes. */
function assertScalar(args: Arguments<unknown>): Dim {
  const truth = args.dim('self');
  if (truth === 0) throw new Error(args.string('assert_msg'));
  return truth;
}

/** Computations of exported programs on sizes: numbers, which a plan knows when it is made. */
export const sizes: readonly OperatorDefinition[] = [
  size<{ readonly shape: readonly Dim[] }>('aten::sym_size.int(Tensor self, int dim) -> SymInt', (args) => {
    const { shape } = args.tensor('self');
    return shape[normalizeAxis(args.number('dim'), shape.length, args.schema.name)];
  }),
  size<{ readonly shape: readonly Dim[] }>('aten::sym_numel(Tensor self) -> SymInt', (args) =>
    mulDims(...args.tensor('self').shape),
  ),
  binary(
    'operator::add',
    '+',
    (a, b) => addDims(a, b),
    (a, b) => a + b,
  ),
  binary('operator::sub', '-', subDims, (a, b) => a - b),
  binary(
    'operator::mul',
    '*',
    (a, b) => mulDims(a, b),
    (a, b) => a * b,
  ),
  binary('operator::floordiv', '//', floorDivDims, (a, b) => Math.floor(a / b)),
  binary('operator::mod', '%', modDims, (a, b) => a - b * Math.floor(a / b)),
  binary('operator::pow', '**', power, (a, b) => a ** b),
  real(
    'operator::truediv(SymInt a, SymInt b) -> SymFloat',
    ['a', 'b'],
    (a, b) => `(${a} / ${b})`,
    (a, b) => a / b,
  ),
  real(
    'torch::sym_float(SymInt a) -> SymFloat',
    ['a'],
    (a) => `float(${a})`,
    (a) => a,
  ),
  real('torch::_sym_sqrt(SymFloat a) -> SymFloat', ['a'], (a) => `sqrt(${a})`, Math.sqrt),
  size('operator::pos(SymInt a) -> SymInt', (args) => args.dim('a')),
  truncation('math::trunc', 'x'),
  truncation('torch::sym_int', 'a'),
  size('operator::neg(SymInt a) -> SymInt', (args) => mulDims(-1, args.dim('a'))),
  binary('torch::sym_max', 'max', (a, b, { ranges }) => maxDims(a, b, ranges), Math.max),
  binary('torch::sym_min', 'min', (a, b, { ranges }) => minDims(a, b, ranges), Math.min),
  comparison('le', '<=', (a, b, { ranges }) => isAtMost(a, b, ranges)),
  comparison('ge', '>=', (a, b, { ranges }) => isAtMost(b, a, ranges)),
  comparison('lt', '<', (a, b, { ranges }) => not(isAtMost(b, a, ranges))),
  comparison('gt', '>', (a, b, { ranges }) => not(isAtMost(a, b, ranges))),
  comparison('eq', '==', (a, b, { ranges }) => isEqual(a, b, ranges)),
  comparison('ne', '!=', (a, b, { ranges }) => not(isEqual(a, b, ranges))),
  size('aten::_assert_scalar(Scalar self, str assert_msg) -> ()', assertScalar),
];
