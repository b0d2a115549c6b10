import {
  add,
  type BackendOperator,
  batchNorm,
  conv2d,
  type PointwiseFunction,
  x86Backend,
} from '../../backend/index.ts';
import { constantNodes, functionalName, type GraphModule, Node, onlyUser } from '../../graph/index.ts';
import { isReal } from '../annotation.ts';
import { getInputActQspec, getOutputActQspec, type QuantizationConfig } from '../quantization-config.ts';
import type { QuantizationSpecBase } from '../specs.ts';
import {
  type Assignment,
  annotateLayer,
  excludeFromQuantization,
  mayAnnotate,
  X86QuantizationAnnotation,
} from './annotation.ts';
import { isInRecipe, linear, mayComeFrom, recipeOperator, sourceOf } from './operators.ts';

/**
 * A layer and the operators that the backend fuses into it, as a chain of calls:
 *
 *     layer -> [batch norm, in training] -> [add of another tensor] -> [unary]
 */
interface FusionPattern {
  readonly layer: BackendOperator;
  readonly batchNorm?: true;
  readonly add?: true;
  readonly unary?: PointwiseFunction;
}

/** Patterns that the backend has kernels for and the recipe annotates. The longest are tried first. */
const patterns: readonly FusionPattern[] = x86Backend.patterns
  .filter(({ dtypes, annotated }) => dtypes.weight !== undefined && annotated === 'by default')
  .flatMap(({ operator, addition, functions }) => {
    const pattern = { layer: operator, ...(addition ? { add: addition } : {}) };
    return functions ? functions.map((unary) => ({ ...pattern, unary })) : [pattern];
  });
const batchNormPatterns: readonly FusionPattern[] = patterns
  .filter(({ layer }) => layer === conv2d)
  .map((pattern) => ({ ...pattern, batchNorm: true }));

/**
 * Annotates convolutions and linear layers with the operators that are fused into them. Layers whose inputs are all
 * constant are skipped: their results are constants.
 */
export function annotateFusionPatterns(module: GraphModule, assignment: Assignment): void {
  const { config, filter, byOperator = false } = assignment;
  const constants = constantNodes(module.graph);
  const layers = module.graph.nodes.filter((node) => !constants.has(node));
  // In training, batch norms are not folded yet. They are excluded together with their convolution.
  const withBatchNorm = config === null || config.isQat ? batchNormPatterns : [];
  const calledTwice = config?.recipe === 'pytorch-2.6' ? new Set<Node>() : callsOfReusedModules(layers);
  const inRecipe = patterns.filter(({ layer }) => isInRecipe(layer, config));
  const knownSource: SourceOf = byOperator ? () => undefined : sourceOf;
  for (const pattern of [...withBatchNorm, ...inRecipe])
    for (const layer of layers.filter((node) => recipeOperator(node) === pattern.layer))
      if (mayComeFrom(knownSource(layer), pattern.layer) && !(fuses(pattern) && calledTwice.has(layer)))
        for (const match of matches(pattern, layer, knownSource))
          if (mayAnnotate(match.nodes, filter)) annotate(pattern, match, config);
}

/** The module or function that a node was traced from, as far as it counts. */
type SourceOf = (node: Node) => string | undefined;

const fuses = ({ add, unary }: FusionPattern): boolean => add !== undefined || unary !== undefined;

/**
 * The calls of linear modules that the model calls in several places. Each is annotated by itself: such a module has
 * several results, of which torchao fuses none.
 */
function callsOfReusedModules(nodes: readonly Node[]): ReadonlySet<Node> {
  const calls = new Map<string, readonly Node[]>();
  for (const node of nodes) {
    const frame = node.meta.nnModuleStack?.at(-1);
    if (recipeOperator(node) !== linear || !frame || !linear.sources.includes(frame.type)) continue;
    calls.set(frame.path, [...(calls.get(frame.path) ?? []), node]);
  }
  return new Set([...calls.values()].filter(({ length }) => length > 1).flat());
}

interface Match {
  /** The chain, from the layer to the pattern's last node. */
  readonly nodes: readonly Node[];
  /** The addition and the tensor that is added. */
  readonly add?: { readonly node: Node; readonly extra: Node };
}

/** The chains that begin with the layer; several if its result has several users. */
function matches(pattern: FusionPattern, layer: Node, knownSource: SourceOf): readonly Match[] {
  const { unary } = pattern;
  let chains: readonly Match[] = [{ nodes: [layer] }];
  if (pattern.batchNorm)
    chains = chains.flatMap((chain) => followedBy(chain, (node) => calls(node, batchNorm)));
  if (pattern.add) chains = chains.flatMap((chain) => followedByAddition(chain, knownSource));
  const isUnary = (node: Node) => unary !== undefined && computes(node, unary, knownSource(node));
  return unary ? chains.flatMap((chain) => followedBy(chain, isUnary)) : chains;
}

function followedBy(chain: Match, isNext: (node: Node) => boolean): readonly Match[] {
  const next = lastOf(chain).users.filter(isNext);
  return next.map((user) => ({ ...chain, nodes: [...chain.nodes, user] }));
}

/** The sum overwrites the chain's own result, so no other user may need that result. */
function followedByAddition(chain: Match, knownSource: SourceOf): readonly Match[] {
  const summand = lastOf(chain);
  const node = onlyUser(summand);
  if (!node || !calls(node, add) || !mayComeFrom(knownSource(node), add)) return [];
  const [first, second] = node.args;
  const extra = first === summand ? second : first;
  if (!(extra instanceof Node) || (first !== summand && second !== summand)) return [];
  return [{ nodes: [...chain.nodes, node], add: { node, extra } }];
}

const lastOf = ({ nodes }: Match): Node => nodes.at(-1)!;

/** Whether a node calls the operator or its in-place form. */
const calls = (node: Node, { operators }: BackendOperator): boolean =>
  node.op === 'call_function' && operators.includes(functionalName(node.target));

/** Whether a node is the function in a form that the recipe knows: the module, and for some the functional form. */
function computes(node: Node, unary: PointwiseFunction, source: string | undefined): boolean {
  return source === undefined ? calls(node, unary) : mayComeFrom(source, unary);
}

function annotate(pattern: FusionPattern, match: Match, config: QuantizationConfig | null): void {
  const { nodes, add } = match;
  if (config === null) {
    excludeFromQuantization(nodes);
    return;
  }
  const [layer] = nodes;
  const output = lastOf(match);
  annotateLayer(layer, config, output === layer);
  if (add) annotateAdd(pattern, add, config, output === add.node);
  if (output !== layer && output !== add?.node)
    output.meta.quantizationAnnotation = new X86QuantizationAnnotation({ isOutputOfQuantizedPattern: true });
  if (!pattern.batchNorm) return;
  output.meta.quantizationAnnotation!.outputQspec = getOutputActQspec(config);
  for (const node of nodes) node.meta.quantizationAnnotation ??= new X86QuantizationAnnotation({});
}

function annotateAdd(
  { layer }: FusionPattern,
  { node, extra }: NonNullable<Match['add']>,
  config: QuantizationConfig,
  isOutputOfQuantizedPattern: boolean,
): void {
  const inputQspecMap = new Map<Node, QuantizationSpecBase | null>();
  // After a linear layer the other summand stays in floating point: quantizing it would cost accuracy.
  if (layer === conv2d && isReal(extra)) inputQspecMap.set(extra, getInputActQspec(config));
  node.meta.quantizationAnnotation = new X86QuantizationAnnotation({
    inputQspecMap,
    isOutputOfQuantizedPattern,
  });
}
