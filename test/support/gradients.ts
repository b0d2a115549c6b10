import { operators } from '../../lib/aten/index.ts';
import { differentiate } from '../../lib/autograd/differentiate.ts';
import {
  type Argument,
  GraphModule,
  Interpreter,
  type Node,
  propagateShapes,
} from '../../lib/graph/index.ts';
import { type DType, numelOf, Tensor } from '../../lib/tensor/index.ts';
import { random } from './graph-builder.ts';

/** A call to differentiate: tensors among the arguments are given by their shape, with the values that they may have. */
export interface GradientCase {
  readonly target: string;
  readonly args: readonly CaseArgument[];
  readonly kwargs?: Readonly<Record<string, number | boolean | string | null>>;
  /** In float64; absent where the operator itself computes in float64. */
  readonly reference?: (tensors: readonly Tensor[]) => readonly number[];
  /** The results that the loss depends on; absent: the only one. */
  readonly results?: readonly number[];
}

/** A tensor argument. Integers, bools and statistics are not differentiated. */
export class Random {
  readonly shape: readonly number[];
  readonly low: number;
  readonly high: number;
  readonly dtype: DType;
  readonly isDifferentiated: boolean;

  constructor(
    shape: readonly number[],
    low = -2,
    high = 2,
    dtype: DType = 'float32',
    isDifferentiated = dtype === 'float32',
  ) {
    this.shape = shape;
    this.low = low;
    this.high = high;
    this.dtype = dtype;
    this.isDifferentiated = isDifferentiated;
  }
}

export type CaseArgument = Random | Exclude<Argument, Node | readonly Argument[]> | readonly CaseArgument[];

export const x = (...shape: number[]): Random => new Random(shape);
export const within = (low: number, high: number, ...shape: number[]): Random => new Random(shape, low, high);
/** Floats without a gradient: running statistics. */
export const fixed = (low: number, high: number, ...shape: number[]): Random =>
  new Random(shape, low, high, 'float32', false);
export const indices = (below: number, ...shape: number[]): Random => new Random(shape, 0, below, 'int64');
export const mask = (...shape: number[]): Random => new Random(shape, 0, 2, 'bool');

const isFloat = ({ dtype }: Random) => dtype === 'float32';

function valuesFor(of: Random, next: () => number): number[] {
  const { shape, low, high } = of;
  const values = Array.from({ length: numelOf(shape) }, () => low + (high - low) * next());
  return values.map(isFloat(of) ? Math.fround : Math.floor);
}

function visit(args: readonly CaseArgument[], found: Random[] = []): Random[] {
  for (const arg of args)
    if (arg instanceof Random && !found.includes(arg)) found.push(arg);
    else if (arg instanceof Random) continue;
    else if (Array.isArray(arg)) visit(arg as readonly CaseArgument[], found);
  return found;
}

function substitute<T>(arg: CaseArgument, replace: (of: Random) => T): Argument | T {
  if (arg instanceof Random) return replace(arg);
  if (Array.isArray(arg)) return arg.map((each) => substitute(each, replace)) as Argument;
  return arg as Argument;
}

/** The case as a graph: its loss is the sum of all results, each element times a number of its own. */
function graphOf(testCase: GradientCase, tensors: readonly Tensor[]) {
  const module = new GraphModule();
  const { graph } = module;
  const found = visit(testCase.args);
  const placeholders = found.map((_, i) => {
    const node = graph.placeholder(`input_${i}`);
    node.meta = { val: { dtype: tensors[i].dtype, shape: tensors[i].shape } };
    return node;
  });
  const call = graph.callFunction(
    testCase.target,
    testCase.args.map((arg) => substitute(arg, (of) => placeholders[found.indexOf(of)])) as Argument[],
    testCase.kwargs,
  );
  const picked = testCase.results?.map((index) => graph.callFunction('operator.getitem', [call, index])) ?? [
    call,
  ];
  const terms = picked.map((result, i) => {
    const factor = graph.placeholder(`factor_${i}`);
    return { result, factor };
  });
  const metas = propagateWithFactors(module, terms, tensors);
  const sums = terms.map(({ result, factor }) =>
    graph.callFunction('aten.sum.default', [graph.callFunction('aten.mul.Tensor', [result, factor])]),
  );
  const loss = sums.reduce((a, b) => graph.callFunction('aten.add.Tensor', [a, b]));
  graph.output([loss]);
  return { module, loss, placeholders, found, factorShapes: metas };
}

/** Gives the factors the dtype and shape of the results that they are multiplied with. */
function propagateWithFactors(
  module: GraphModule,
  terms: readonly { readonly result: Node; readonly factor: Node }[],
  tensors: readonly Tensor[],
): readonly { readonly dtype: DType; readonly shape: readonly number[] }[] {
  const inputs = [...tensors, ...terms.map(() => Tensor.zeros('float32', []))];
  const metas = propagateShapes(module, inputs, operators);
  return terms.map(({ result, factor }) => {
    const meta = metas.get(result) as { readonly dtype: DType; readonly shape: readonly number[] };
    factor.meta = { val: meta };
    return meta;
  });
}

const tensorOf = (of: Random, list: readonly number[], dtype: DType): Tensor =>
  Tensor.from(isFloat(of) ? dtype : of.dtype, list, of.shape);

/**
 * The gradients of a case as the graph gives them, one a differentiable tensor; `factorsFor` makes numbers for each result.
 * @param prepare changes the graph before it is differentiated.
 */
export function differentiated(
  testCase: GradientCase,
  values: readonly (readonly number[])[],
  dtype: DType,
  factorsFor: (shapes: readonly (readonly number[])[]) => readonly (readonly number[])[],
  prepare: (module: GraphModule) => void = () => {},
) {
  const tensors = visit(testCase.args).map((of, i) => tensorOf(of, values[i], dtype));
  const { module, loss, placeholders, found, factorShapes } = graphOf(testCase, tensors);
  const factors = factorsFor(factorShapes.map(({ shape }) => shape));
  const factorTensors = factorShapes.map((meta, i) => Tensor.from(meta.dtype, factors[i], meta.shape));
  const inputs = [...tensors, ...factorTensors];
  for (const [node, val] of propagateShapes(module, inputs, operators)) node.meta = { ...node.meta, val };
  prepare(module);
  const wrt = placeholders.filter((_, i) => found[i].isDifferentiated);
  const gradients = differentiate(module, loss, wrt);
  module.graph.outputNode.setArguments([gradients.map((gradient) => gradient!)]);
  module.graph.eliminateDeadCode();
  return { module, inputs, factors, actual: new Interpreter(module, operators).run(inputs) };
}

/** The same with random values, and by central differences in float64 at some places ({@link sampled}). */
export function gradientsOf(testCase: GradientCase, seed: number, prepare?: (module: GraphModule) => void) {
  const next = random(seed);
  const found = visit(testCase.args);
  // Rules for functions that exist in float64 are checked in float64, others against a float64 reference.
  const dtype: DType = testCase.reference ? 'float32' : 'float64';
  const values = found.map((of) => valuesFor(of, next));
  const factorsFor = (shapes: readonly (readonly number[])[]) =>
    shapes.map((shape) => Array.from({ length: numelOf(shape) }, () => Math.fround(2 * next() - 1)));
  const { factors, ...rest } = differentiated(testCase, values, dtype, factorsFor, prepare);
  const evaluate = (list: readonly (readonly number[])[]): number => {
    const given = found.map((of, i) => tensorOf(of, list[i], 'float64'));
    return sumOfProducts(resultsOf(testCase, found, given), factors);
  };
  const expected = found.flatMap((of, i) =>
    of.isDifferentiated ? [centralDifferences(evaluate, values, i)] : [],
  );
  return { ...rest, expected };
}

function resultsOf(testCase: GradientCase, found: readonly Random[], tensors: readonly Tensor[]): number[][] {
  if (testCase.reference) return [[...testCase.reference(tensors)]];
  const module = new GraphModule();
  const nodes = found.map((_, i) => {
    const node = module.graph.placeholder(`input_${i}`);
    node.meta = { val: { dtype: tensors[i].dtype, shape: tensors[i].shape } };
    return node;
  });
  const args = testCase.args.map((arg) => substitute(arg, (of) => nodes[found.indexOf(of)])) as Argument[];
  const call = module.graph.callFunction(testCase.target, args, testCase.kwargs);
  const results = testCase.results?.map((i) => module.graph.callFunction('operator.getitem', [call, i]));
  module.graph.output(results ?? [call]);
  return new Interpreter(module, operators).run(tensors).map((tensor) => tensor.toArray() as number[]);
}

const sumOfProducts = (results: readonly (readonly number[])[], factors: readonly (readonly number[])[]) =>
  results.reduce(
    (sum, result, i) => result.reduce((total, value, k) => total + value * factors[i][k], sum),
    0,
  );

/** Each reference is computed twice a place: 24 of them, spread evenly, are enough. */
const mostPlaces = 24;

/** The elements whose gradients are compared. */
const placesOf = (count: number): readonly number[] =>
  Array.from({ length: Math.min(count, mostPlaces) }, (_, i) =>
    Math.floor((i * count) / Math.min(count, mostPlaces)),
  );

/** A gradient's elements at these places. */
export const sampled = (gradient: Tensor): number[] => {
  const all = gradient.toArray() as number[];
  return placesOf(all.length).map((at) => all[at]);
};

function centralDifferences(
  evaluate: (values: readonly (readonly number[])[]) => number,
  values: readonly (readonly number[])[],
  which: number,
): number[] {
  const step = 1e-5;
  return placesOf(values[which].length).map((at) => {
    const value = values[which][at];
    const moved = (by: number) =>
      evaluate(values.map((list, i) => (i === which ? list.with(at, value + by) : list)));
    return (moved(step) - moved(-step)) / (2 * step);
  });
}

export const nameOf = ({ target, args }: GradientCase): string =>
  `${target}(${args.map(describeArgument).join(', ')})`;

const describeArgument = (arg: CaseArgument): string =>
  arg instanceof Random ? `${arg.dtype}[${arg.shape.join(', ')}]` : JSON.stringify(arg);
