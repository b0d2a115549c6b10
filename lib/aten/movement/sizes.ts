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
  SymInt,
  subDims,
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

type SizeRule = (a: Dim, b: Dim, args: Arguments<unknown>) => Dim;

const binary = (name: string, rule: SizeRule): HostDefinition =>
  size(`${name}(SymInt a, SymInt b) -> SymInt`, (args) => rule(args.dim('a'), args.dim('b'), args));

/** A comparison returns 1 or 0, the values of Python's `True` and `False`. */
function comparison(
  name: string,
  symbol: string,
  holds: (...args: Parameters<SizeRule>) => boolean | undefined,
) {
  return binary(`operator::${name}`, (a, b, args) => {
    const known = holds(a, b, args);
    return known === undefined ? new SymInt([`(${a} ${symbol} ${b})`]) : Number(known);
  });
}

const not = (truth: boolean | undefined) => (truth === undefined ? undefined : !truth);

function power(a: Dim, exponent: Dim): Dim {
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
  binary('operator::add', (a, b) => addDims(a, b)),
  binary('operator::sub', subDims),
  binary('operator::mul', (a, b) => mulDims(a, b)),
  binary('operator::floordiv', floorDivDims),
  binary('operator::mod', modDims),
  binary('operator::pow', power),
  size('operator::neg(SymInt a) -> SymInt', (args) => mulDims(-1, args.dim('a'))),
  binary('torch::sym_max', (a, b, { ranges }) => maxDims(a, b, ranges)),
  binary('torch::sym_min', (a, b, { ranges }) => minDims(a, b, ranges)),
  comparison('le', '<=', (a, b, { ranges }) => isAtMost(a, b, ranges)),
  comparison('ge', '>=', (a, b, { ranges }) => isAtMost(b, a, ranges)),
  comparison('lt', '<', (a, b, { ranges }) => not(isAtMost(b, a, ranges))),
  comparison('gt', '>', (a, b, { ranges }) => not(isAtMost(a, b, ranges))),
  comparison('eq', '==', (a, b, { ranges }) => isEqual(a, b, ranges)),
  comparison('ne', '!=', (a, b, { ranges }) => not(isEqual(a, b, ranges))),
  size('aten::_assert_scalar(Scalar self, str assert_msg) -> ()', assertScalar),
];
