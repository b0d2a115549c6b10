import {
  type Argument,
  type GraphModule,
  isCall,
  isStateful,
  Node,
  type StatefulModule,
} from '../graph/index.ts';
import { Tensor } from '../tensor/index.ts';
import { GraphEditor, type Place } from '../transforms/editor.ts';

/** A tensor that a graph replaces when it runs, or only reads: running statistics, a fake quantizer's range and switches. */
export interface StateUpdate {
  /** Where the tensor stands in the graph module's attributes. */
  readonly path: string;
  /** What becomes of it: its own node where it stays. */
  readonly value: Node;
  /** What the first call that has it leaves: all others go on from there. */
  readonly first: Node;
  /** Whether it is made here, and stands in no model: the seed of all dropouts. */
  readonly isSeed?: true;
  /** The module that keeps it, and its name there; absent for buffers. */
  readonly owner?: { readonly module: StatefulModule; readonly name: string };
}

const BATCH_NORM = 'aten.batch_norm.default';
const dropouts = ['aten.dropout.default', 'aten.dropout_.default', 'aten.feature_dropout.default'];
const FUNCTIONAL_BATCH_NORM = 'aten._native_batch_norm_legit_functional.default';

/**
 * Writes as values what a training graph changes on its way (counterpart: functionalization in `torch.export`): a batch norm's
 * running statistics, and the state of fake quantizers, whose calls become operators. The graph then computes the same for the
 * same inputs, and can be differentiated and compiled.
 * @param firstSeed decides the masks of dropouts, together with the number of the step.
 * @returns one entry a tensor that changes, and a tensor of a module: its switches stay as they are. A module that is called several
 * times goes on with what the call before left.
 * @throws Error that names a module whose call cannot be written as operators, or a batch norm without running statistics.
 */
export function writeStateAsValues(module: GraphModule, firstSeed = 0): readonly StateUpdate[] {
  const editor = new GraphEditor(module);
  const updates = new Map<string, StateUpdate>();
  const states = new Map<StatefulModule, State>();
  let seed: Node | undefined;
  let numberOfDropouts = 0;
  const order = new Map(module.graph.nodes.map((node, i) => [node, i]));
  for (const node of module.graph.nodes) {
    if (node.op === 'call_module') emitModule(editor, node, states);
    else if (dropouts.includes(node.target)) {
      // In evaluation mode, it is its input.
      if (node.args[2] !== true) editor.replaceWith(node, node.args[0] as Node);
      else {
        const place = { before: module.graph.nodes[0] };
        seed ??= editor.constant('dropout_seed', Tensor.from('int64', [firstSeed]), place);
        emitDropout(editor, node, seed, numberOfDropouts++);
      }
    } else if (isCall(node, BATCH_NORM) && node.args[5] === true)
      for (const { path, value } of emitBatchNorm(editor, node, order, updates))
        updates.set(path, { path, value, first: updates.get(path)?.first ?? value });
  }
  for (const [owner, { nodes, first, paths }] of states)
    for (const [name, value] of nodes) {
      const path = paths.get(name)!;
      updates.set(path, { path, value, first: first.get(name)!, owner: { module: owner, name } });
    }
  if (seed) updates.set(seed.target, advanced(editor, seed));
  return [...updates.values()];
}

/** A module's tensors as nodes, and where they stand. */
interface State {
  readonly nodes: ReadonlyMap<string, Node>;
  /** What the first call has left. */
  readonly first: ReadonlyMap<string, Node>;
  readonly paths: ReadonlyMap<string, string>;
}

function emitModule(editor: GraphEditor, node: Node, states: Map<StatefulModule, State>): void {
  const called = editor.module.module(node.target);
  if (!isStateful(called))
    throw new Error(
      `'${node.target}' is a ${called.constructor.name}, which only observes: prepare the model for training with prepareQatPt2e`,
    );
  const [input] = node.args as readonly Node[];
  const place = { before: node, like: [node, input] };
  const known = states.get(called);
  const { nodes, paths } = known ?? stateNodes(editor, node, called, place);
  const { result, state } = called.emit(input, nodes, editor.at(place));
  states.set(called, { nodes: state, first: known?.first ?? state, paths });
  editor.replaceWith(node, result);
}

function stateNodes(
  editor: GraphEditor,
  node: Node,
  called: StatefulModule,
  place: Place,
): Omit<State, 'first'> {
  const { shape } = (node.args[0] as Node).meta.val as { readonly shape: readonly number[] };
  const nodes = new Map<string, Node>();
  const paths = new Map<string, string>();
  for (const [name, tensor] of called.stateFor(shape)) {
    const attribute: Node = editor.constant(`${node.target}.${name}`, tensor as Tensor, place);
    nodes.set(name, attribute);
    paths.set(name, attribute.target);
  }
  return { nodes, paths };
}

/** Whoever reads the running statistics after the call reads the new ones: another call of the same module. */
function emitBatchNorm(
  editor: GraphEditor,
  node: Node,
  order: ReadonlyMap<Node, number>,
  before: ReadonlyMap<string, StateUpdate>,
): Pick<StateUpdate, 'path' | 'value'>[] {
  const [input, weight, bias, mean, variance, training, momentum, eps] = node.args;
  const statistics = [mean, variance].filter((arg) => arg instanceof Node);
  if (statistics.length < 2)
    throw new Error(`node '${node}': batch norm is trained with running statistics; it has none of its own`);
  const place = { before: node, like: [node] };
  const args: Argument[] = [input, weight, bias, mean, variance, training, momentum, eps];
  const call = editor.call(FUNCTIONAL_BATCH_NORM, args, place);
  const isLater = (user: Node) => (order.get(user) ?? -1) > order.get(node)!;
  const updates = statistics.map((old, i) => {
    const value = editor.item(call, 3 + i, place);
    old.replaceAllUsesWith(value, isLater);
    return { path: attributeOf(old), value };
  });
  editor.replaceWith(node, editor.item(call, 0, place));
  return [...updates, ...countBatch(editor, updates[0].path, before)];
}

/** The batches that a batch norm has seen, counted on, where the model keeps their number. */
function countBatch(
  editor: GraphEditor,
  mean: string,
  before: ReadonlyMap<string, StateUpdate>,
): Pick<StateUpdate, 'path' | 'value'>[] {
  const path = mean.replace(/running_mean$/, 'num_batches_tracked');
  const { graph, module } = editor;
  const count = module.attributes.get(path);
  if (path === mean || !count) return [];
  const read = () => {
    const node = graph.getAttr(path);
    node.meta = { val: { dtype: count.dtype, shape: count.shape } };
    return node;
  };
  const known = before.get(path)?.value ?? graph.insertingBefore(graph.nodes[0], read);
  return [{ path, value: editor.call('aten.add.Scalar', [known, 1], { before: graph.outputNode }) }];
}

/** The path of the statistic that a call reads, or that another call has read before it. */
function attributeOf(statistic: Node): string {
  let node = statistic;
  while (node.op !== 'get_attr') {
    const [call, index] = node.args as [Node, number];
    node = call.args[index] as Node;
  }
  return node.target;
}

/** Dropout of elements, or of whole channels. */
function emitDropout(editor: GraphEditor, node: Node, seed: Node, number: number): void {
  const [input, p] = node.args as [Node, number];
  const { shape } = input.meta.val as { readonly shape: readonly number[] };
  const size = node.target.includes('feature') ? shape.map((extent, i) => (i < 2 ? extent : 1)) : shape;
  const place = { before: node, like: [node] };
  const mask = editor.call('octavo.dropout_mask.default', [seed, number, size, p], place);
  editor.replaceWith(node, editor.call('aten.mul.Tensor', [input, mask], place));
}

/** Every step has other masks. */
function advanced(editor: GraphEditor, seed: Node): StateUpdate {
  const value = editor.call('aten.add.Scalar', [seed, 1], { before: editor.graph.outputNode });
  return { path: seed.target, value, first: value, isSeed: true };
}
