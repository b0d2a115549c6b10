import {
  arithmeticOperators,
  averages,
  type BackendOperator,
  batchNorm,
  canonicalType,
  conv1d,
  conv2d,
  conv3d,
  convTranspose,
  dataMovement,
  embedding,
  layerNorm,
  linear,
  matmul,
  pointwiseFunctions,
  softmax,
} from '../backend/index.ts';
import { isBuiltin } from '../capture/pt2/module-stack.ts';
import { functionalName, type Graph, type Node } from '../graph/index.ts';

/** What FX graph mode sees where a graph has an operator: the call of a module, a function or a method. */
export interface Call {
  /** Canonical: `torch.nn.Linear`, `torch.flatten`, `view`. */
  readonly type: string;
  /** Whether it is the call of one of PyTorch's modules, whose parameters are not among the call's arguments. */
  readonly isModule: boolean;
  /** The module, or that which calls the function. */
  readonly moduleName: string;
  /** Canonical class of that module. */
  readonly moduleType: string;
  /** What tells this call from others of the same module; undefined where the graph does not record it. */
  readonly id: string | undefined;
}

/** What a graph's nodes were calls of. Graphs of ONNX files do not say; there the operator does. */
export function callsOf({ nodes }: Graph): ReadonlyMap<Node, Call> {
  return new Map(nodes.filter(({ op }) => op === 'call_function').map((node) => [node, callOf(node)]));
}

function callOf({ target, meta }: Node): Call {
  const source = meta.sourceFnStack?.at(-1);
  const frame = meta.nnModuleStack?.at(-1);
  const type = source
    ? canonicalType(source.target)
    : (typesByOperator.get(functionalName(target)) ?? target);
  return {
    type,
    isModule: source ? isBuiltin(source.target) : type.startsWith('torch.nn.') && /\.[A-Z]\w*$/.test(type),
    moduleName: frame?.path ?? '',
    moduleType: canonicalType(frame?.type ?? ''),
    id: source?.name,
  };
}

const convTransposes: readonly BackendOperator[] = convTranspose.operators.map((operator, i) => ({
  name: convTranspose.name,
  operators: [operator],
  sources: [convTranspose.sources[i]],
}));

/** Of any number of axes: exports have the others. */
const GENERAL_CONVOLUTION = 'aten.convolution.default';

/** What each operator is the call of in models that do not say: a module where there is one, else a function, else the method of its name. */
const typesByOperator: ReadonlyMap<string, string> = new Map(
  [
    ...[conv1d, conv2d, conv3d, ...convTransposes, linear, batchNorm, layerNorm, embedding, softmax, matmul],
    ...[...pointwiseFunctions, ...arithmeticOperators, ...averages, ...dataMovement],
  ].flatMap(({ name, operators, sources }) =>
    operators
      .filter((operator) => operator !== GENERAL_CONVOLUTION)
      .map((operator) => [operator, canonicalType(sources[0] ?? name)] as const),
  ),
);
