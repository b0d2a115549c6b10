import { broadcastShapes } from '../../../../aten/index.ts';
import {
  addDims,
  type Dim,
  dependsOnValues,
  divDims,
  floorDivDims,
  isAtMost,
  isEqual,
  maxDims,
  minDims,
  modDims,
  mulDims,
  type SymbolRanges,
  SymInt,
  subDims,
} from '../../../../graph/index.ts';
import { type DType, isFloatingPoint, rowMajorStrides } from '../../../../tensor/index.ts';
import type { FoldCall, Folder } from './call.ts';
import { checkModest, convert, type Elements, forEachIndex, offsetOf } from './elements.ts';

/** A function of sizes that knows what each result is computed from. */
export interface Sized {
  readonly ranges: SymbolRanges;
  readonly dtype: DType;
  readonly call: FoldCall;
}

/** Of elements, one each; undefined where it is none of a size. */
type Rule = (a: Dim, b: Dim, sized: Sized) => Dim | undefined;

const isSymbolic = (...dims: readonly Dim[]): boolean => dims.some((dim) => dim instanceof SymInt);

/** The common shape of several (numpy's broadcasting). @throws Error when there is none. */
export function broadcast(shapes: readonly (readonly number[])[]): readonly number[] {
  return shapes.reduce((a, b) => broadcastShapes(a, b, 'broadcasting') as number[]);
}

/** Strides by which a tensor is read as one of a larger shape. */
export function broadcastStrides(shape: readonly number[], target: readonly number[]): number[] {
  const strides = rowMajorStrides(shape);
  const missing = target.length - shape.length;
  return target.map((_, axis) =>
    axis < missing || shape[axis - missing] === 1 ? 0 : strides[axis - missing],
  );
}

/** One result for the elements of several tensors at each position. */
export function zip(
  inputs: readonly Elements[],
  dtype: DType,
  rule: (values: readonly Dim[]) => Dim | undefined,
): Elements | undefined {
  const shape = broadcast(inputs.map((input) => input.shape));
  checkModest(shape, Math.max(...inputs.map(({ values }) => values.length)));
  const strides = inputs.map((input) => broadcastStrides(input.shape, shape));
  const values: Dim[] = [];
  let isKnown = true;
  forEachIndex(shape, (index) => {
    const value = isKnown
      ? rule(inputs.map((input, i) => input.values[offsetOf(index, strides[i])]))
      : undefined;
    if (value === undefined) isKnown = false;
    else values.push(convert(value, dtype));
  });
  return isKnown ? { dtype, shape, values } : undefined;
}

/** A function of two tensors of one dtype, or of any number of them, from the left. */
function binary(rule: Rule, result?: DType): Folder {
  return (call) => {
    const inputs = call.inputs.map((input) => input!);
    const [first, ...others] = inputs;
    const sized: Sized = { ranges: call.ranges, dtype: first.dtype, call };
    let folded: Elements | undefined = first;
    for (const other of others)
      folded = folded && zip([folded, other], result ?? first.dtype, ([a, b]) => rule(a, b, sized));
    return folded;
  };
}

/** A function of one tensor. */
function unary(
  rule: (value: number) => number,
  ofSize: (size: SymInt) => Dim | undefined = () => undefined,
): Folder {
  return ({ inputs: [x] }) =>
    zip([x!], x!.dtype, ([value]) => (value instanceof SymInt ? ofSize(value) : rule(value)));
}

const compare =
  (
    ofNumbers: (a: number, b: number) => boolean,
    ofSizes: (a: Dim, b: Dim, r: SymbolRanges) => boolean | undefined,
  ): Rule =>
  (a, b, { ranges }) => {
    if (!isSymbolic(a, b)) return Number(ofNumbers(a as number, b as number));
    const known = ofSizes(a, b, ranges);
    return known === undefined ? undefined : Number(known);
  };

const not = (truth: boolean | undefined): boolean | undefined => (truth === undefined ? undefined : !truth);

/** A size that is computed by an operator on sizes: the graph has to know by which. */
function learned(call: FoldCall, target: string, a: Dim, b: Dim, result: Dim): Dim {
  call.learn(result, target, [a, b]);
  return result;
}

/** ONNX rounds quotients of integers to zero; sizes are not negative. */
const divide: Rule = (a, b, { dtype, call }) => {
  if (!isSymbolic(a, b)) {
    const quotient = (a as number) / (b as number);
    if (isFloatingPoint(dtype)) return quotient;
    if (b === 0) throw new Error('a division by 0');
    return Math.trunc(quotient);
  }
  if (!isFloatingPoint(dtype)) return learned(call, 'operator.floordiv', a, b, floorDivDims(a, b));
  try {
    return divDims(a, b);
  } catch {
    return undefined;
  }
};

function multiply(a: Dim, b: Dim): Dim | undefined {
  if (!isSymbolic(a, b)) return (a as number) * (b as number);
  return [a, b].every((dim) => dim instanceof SymInt || Number.isInteger(dim)) ? mulDims(a, b) : undefined;
}

const additive =
  (ofNumbers: (a: number, b: number) => number, ofSizes: (a: Dim, b: Dim) => Dim): Rule =>
  (a, b) => {
    if (!isSymbolic(a, b)) return ofNumbers(a as number, b as number);
    return [a, b].every((dim) => dim instanceof SymInt || Number.isInteger(dim)) ? ofSizes(a, b) : undefined;
  };

const modulo: Folder = (call) => {
  const truncates = call.attributes.int('fmod', 0) === 1;
  return binary((a, b, { call: sized }) => {
    if (isSymbolic(a, b)) return learned(sized, 'operator.mod', a, b, modDims(a, b));
    const [x, y] = [a as number, b as number];
    if (truncates || y === 0) return x % y;
    return x - y * Math.floor(x / y);
  })(call);
};

/** The lesser or the greater of two. */
export function extremum(
  ofNumbers: (a: number, b: number) => number,
  ofSizes: (a: Dim, b: Dim, ranges: SymbolRanges) => Dim,
  target: string,
): (a: Dim, b: Dim, sized: Sized) => Dim {
  return (a, b, { ranges, call }) =>
    isSymbolic(a, b)
      ? learned(call, target, a, b, ofSizes(a, b, ranges))
      : ofNumbers(a as number, b as number);
}

/** Half to even, as in ONNX. */
function round(value: number): number {
  const down = Math.floor(value);
  if (value - down !== 0.5) return Math.round(value);
  return down % 2 === 0 ? down : down + 1;
}

const where: Folder = ({ inputs: [condition, x, y] }) =>
  zip([condition!, x!, y!], x!.dtype, ([c, a, b]) => (c instanceof SymInt ? undefined : c !== 0 ? a : b));

const castTo = (dtype: DType, { inputs: [x] }: FoldCall): Elements | undefined =>
  zip([x!], dtype, ([value]) => (value instanceof SymInt && dtype === 'bool' ? isPositive(value) : value));

/** A size that requests choose is at least 1; one that values decide may be 0. */
const isPositive = (size: SymInt): Dim | undefined => (dependsOnValues(size) ? undefined : 1);

const itself = (size: SymInt): Dim => size;

/** Arithmetic and comparisons on what is known when a file is read. */
export const arithmeticFolders: Readonly<Record<string, Folder>> = {
  Add: binary(
    additive(
      (a, b) => a + b,
      (a, b) => addDims(a, b),
    ),
  ),
  Sum: binary(
    additive(
      (a, b) => a + b,
      (a, b) => addDims(a, b),
    ),
  ),
  Sub: binary(additive((a, b) => a - b, subDims)),
  Mul: binary(multiply),
  Div: binary(divide),
  Mod: modulo,
  Max: binary(extremum(Math.max, maxDims, 'torch.sym_max')),
  Min: binary(extremum(Math.min, minDims, 'torch.sym_min')),
  Pow: binary((a, b) => (isSymbolic(a, b) ? undefined : (a as number) ** (b as number))),
  Equal: binary(
    compare((a, b) => a === b, isEqual),
    'bool',
  ),
  Less: binary(
    compare(
      (a, b) => a < b,
      (a, b, r) => not(isAtMost(b, a, r)),
    ),
    'bool',
  ),
  LessOrEqual: binary(
    compare((a, b) => a <= b, isAtMost),
    'bool',
  ),
  Greater: binary(
    compare(
      (a, b) => a > b,
      (a, b, r) => not(isAtMost(a, b, r)),
    ),
    'bool',
  ),
  GreaterOrEqual: binary(
    compare(
      (a, b) => a >= b,
      (a, b, r) => isAtMost(b, a, r),
    ),
    'bool',
  ),
  And: binary((a, b) => Number(a !== 0 && b !== 0)),
  Or: binary((a, b) => Number(a !== 0 || b !== 0)),
  Xor: binary((a, b) => Number((a !== 0) !== (b !== 0))),
  Not: unary((value) => Number(value === 0)),
  Neg: unary(
    (value) => -value,
    (size) => mulDims(-1, size),
  ),
  Abs: unary(Math.abs, itself),
  Sign: unary(Math.sign, isPositive),
  Sqrt: unary(Math.sqrt),
  Floor: unary(Math.floor, itself),
  Ceil: unary(Math.ceil, itself),
  Round: unary(round, itself),
  Reciprocal: unary((value) => 1 / value),
  Exp: unary(Math.exp),
  Log: unary(Math.log),
  Where: where,
  Cast: (call) => (call.dtype === undefined ? undefined : castTo(call.dtype, call)),
  CastLike: (call) => castTo(call.inputs[1]!.dtype, call),
};
