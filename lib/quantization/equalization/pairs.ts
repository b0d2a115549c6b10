import { convolutionOperators, linear } from '../../backend/index.ts';
import { type Argument, functionalName, isCall, Node, onlyUser, tensorMeta } from '../../graph/index.ts';
import type { Tensor } from '../../tensor/index.ts';
import type { GraphEditor } from '../../transforms/editor.ts';
import { floatConstant, isOwnConstant } from '../../transforms/layer-constants.ts';

/** A layer whose output channels can be scaled, and its parameters. */
export interface ScalableLayer {
  readonly node: Node;
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;
  readonly groups: number;
}

/** Two layers of which the second alone reads the first, through functions that scaling a channel commutes with. */
export interface LayerPair {
  readonly first: ScalableLayer;
  readonly second: ScalableLayer;
  /** The nodes from the first layer to the last before the second: their values are scaled. */
  readonly between: readonly Node[];
}

const LINEAR = linear.operators;

/**
 * Functions with f(s x) = s f(x) for every s > 0. Not ReLU6 and Hardswish: they bend at values that do not move with the scale.
 */
const homogeneous = ['aten.relu.default', 'aten.leaky_relu.default', 'aten.dropout.default'];
/** These average or choose among the places of an image, whose channels they keep apart. */
const pooling = ['aten.max_pool2d.default', 'aten.avg_pool2d.default', 'aten.adaptive_avg_pool2d.default'];

/** All pairs, in the order of the graph. Batch norms are to be folded before. */
export function layerPairs(editor: GraphEditor): LayerPair[] {
  return editor.graph.nodes.flatMap((node) => {
    const first = scalable(editor, node);
    const pair = first && followedBy(editor, first);
    return pair ? [pair] : [];
  });
}

function followedBy(editor: GraphEditor, first: ScalableLayer): LayerPair | undefined {
  // Of a batch of images the second axis counts the channels; anything else pooling may mix them.
  const isImages = !isCall(first.node, ...LINEAR) && tensorMeta(first.node)?.shape.length === 4;
  const passed = isImages ? [...homogeneous, ...pooling] : homogeneous;
  const between = [first.node];
  let next = onlyUser(first.node);
  while (next?.op === 'call_function' && passed.includes(functionalName(next.target))) {
    between.push(next);
    next = onlyUser(next);
  }
  const second = next && scalable(editor, next);
  if (!second || second.node.args[0] !== between.at(-1) || !alike(first, second)) return undefined;
  return inputChannels(second) === first.weight.shape[0] ? { first, second, between } : undefined;
}

/** Whether the channels of one's result are those of the other's input: the last axis of linear layers, the second of others. */
const alike = (first: ScalableLayer, second: ScalableLayer) =>
  isCall(first.node, ...LINEAR) === isCall(second.node, ...LINEAR);

const inputChannels = ({ weight, groups }: ScalableLayer) => weight.shape[1] * groups;

function scalable(editor: GraphEditor, node: Node): ScalableLayer | undefined {
  if (!isCall(node, ...convolutionOperators, ...LINEAR)) return undefined;
  const { weight: weightNode, bias: biasNode = null, groups = 1, transposed = false } = editor.named(node);
  const [weight, bias] = [weightNode, biasNode].map((arg) => ownConstant(editor, arg, node));
  if (!weight || (biasNode !== null && !bias) || transposed === true) return undefined;
  return { node, weight, bias, groups: groups as number };
}

const ownConstant = ({ module, graph }: GraphEditor, arg: Argument, user: Node) =>
  arg instanceof Node && isOwnConstant(graph, arg, user) ? floatConstant(module, arg) : undefined;
