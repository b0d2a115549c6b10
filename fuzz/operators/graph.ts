import {
  type Argument,
  type DType,
  Graph,
  GraphModule,
  type Node,
  operators,
  Tensor,
} from '../../lib/index.ts';
import { Random } from '../random.ts';
import {
  type Filling,
  isList,
  isTensor,
  type OperatorArgument,
  type OperatorProblem,
  type TensorArgument,
} from './problem.ts';

/** A graph of the problem's one call, with tensors for its inputs. */
export function graphOf(problem: OperatorProblem): { module: GraphModule; inputs: Tensor[] } {
  const random = new Random(~problem.seed);
  const graph = new Graph();
  const inputs: Tensor[] = [];
  const attributes: [string, Tensor][] = [];
  const node = (argument: TensorArgument): Node => {
    const { tensor: dtype, shape, order, constant } = argument;
    // An argument whose rank was changed after its order: as it is.
    const axes = order?.length === shape.length ? order : undefined;
    const stored = axes ? storedShape(shape, axes) : shape;
    const tensor = new Tensor(dtype, elements(random, problem.target, argument), stored);
    const at = constant
      ? graph.getAttr(`constant${attributes.length}`)
      : graph.placeholder(`x${inputs.length}`);
    if (constant) attributes.push([at.target, tensor]);
    else {
      at.meta.val = { dtype, shape: stored };
      inputs.push(tensor);
    }
    return axes ? graph.callFunction('aten.permute.default', [at, axes]) : at;
  };
  const build = (argument: OperatorArgument): Argument =>
    isList(argument) ? argument.map(build) : isTensor(argument) ? node(argument) : argument;
  const args = problem.args.map(build);
  const kwargs = Object.entries(problem.kwargs).map(([name, value]) => [name, build(value)] as const);
  if (inputs.length === 0) node({ tensor: 'float32', shape: [1] });
  const call = graph.callFunction(problem.target, args, Object.fromEntries(kwargs));
  graph.output(resultsOf(graph, call));
  return { module: new GraphModule(graph, attributes), inputs };
}

/** The shape that a permute by these axes makes `shape` of. */
function storedShape(shape: readonly number[], axes: readonly number[]): number[] {
  const stored = [...shape];
  for (const [i, axis] of axes.entries()) stored[axis] = shape[i];
  return stored;
}

/** Of an operator with several results each, of one that makes a list of tensors the first. */
function resultsOf(graph: Graph, call: Node): Argument[] {
  const { returns } = operators.get(call.target).schema;
  if (returns === 1 && !/split|chunk|unbind/.test(call.target)) return [call];
  return Array.from({ length: returns }, (_, i) => graph.callFunction('operator.getitem', [call, i]));
}

function elements(
  random: Random,
  target: string,
  { tensor: dtype, shape, filling = 'ordinary' }: TensorArgument,
) {
  const { data } = Tensor.zeros(dtype, shape);
  if (data instanceof BigInt64Array)
    for (let i = 0; i < data.length; i++) data[i] = wideInteger(random, filling);
  else for (let i = 0; i < data.length; i++) data[i] = number(random, dtype, filling);
  // One of the vectors is a variance.
  if (target.includes('batch_norm') && shape.length === 1 && data instanceof Float32Array)
    for (let i = 0; i < data.length; i++) data[i] = Math.abs(data[i]);
  return data;
}

/** Few of them, and small: they are indices mostly. */
function wideInteger(random: Random, filling: Filling): bigint {
  if (filling === 'integers') return random.pick([2n ** 62n, -(2n ** 63n), 100n]);
  return filling === 'negative' ? -1n : filling === 'zero' ? 0n : BigInt(random.integer(0, 5));
}

function number(random: Random, dtype: DType, filling: Filling): number {
  if (dtype === 'bfloat16' || dtype === 'float16') return bits(random, dtype, filling);
  if (dtype === 'bool') return random.integer(0, filling === 'integers' ? 255 : 1);
  const isFloat = dtype === 'float32' || dtype === 'float64';
  switch (filling) {
    case 'nan':
      return isFloat && random.chance(0.1) ? Number.NaN : 1;
    case 'infinite':
      return isFloat && random.chance(0.1) ? Infinity : -1;
    case 'zero':
      return 0;
    case 'huge':
      return isFloat ? random.uniform(-1.5e38, 1.5e38) : 2 ** 31 - 1;
    case 'negative':
      return random.uniform(-5, 0);
    case 'integers':
      return random.pick([1000, 1e6, -1000, 2 ** 31 - 1, -(2 ** 31)]);
    case 'denormal':
      return random.uniform(0, 1e-42);
    case 'ordinary':
      return isFloat ? random.uniform(-2, 2) : random.integer(0, dtype === 'int32' ? 5 : 255);
  }
}

/** Raw bits of a number near 1, or of a NaN. */
function bits(random: Random, dtype: 'bfloat16' | 'float16', filling: Filling): number {
  if (filling === 'nan') return 0x7fff;
  return dtype === 'bfloat16' ? 0x3f80 + random.integer(-128, 127) : 0x3c00 + random.integer(-256, 255);
}
