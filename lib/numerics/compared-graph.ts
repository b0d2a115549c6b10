import { type GraphModule, type Node, tensorMeta } from '../graph/index.ts';
import type { DType } from '../tensor/index.ts';
import { GraphEditor } from '../transforms/editor.ts';
import type { ComparedNode } from './compare-results.ts';
import { modulePathOf, nodesByHandle } from './debug-handles.ts';
import { GraphCopier } from './graph-copier.ts';
import { inferShapes, plainOperators } from './plain-operators.ts';
import { realValue } from './real-values.ts';
import { shadow } from './shadow.ts';

/** What the nodes of the actual model are given: their own inputs, or what the reference has in place of these. */
export type GivenInputs = 'own' | 'of the reference';

/** A node that is compared, in one of the actual models. */
export interface NodeOfModel extends ComparedNode {
  /** Which of the actual models it belongs to. */
  readonly model: number;
  /** Handles of the compared nodes whose errors reach this one directly. */
  readonly inputs: readonly number[];
}

/** Models in one graph, which returns by how much their nodes differ from those of the first. */
export interface ComparedGraph {
  /**
   * Returns one result of `octavo.compare` a node, in order; behind these, if values are kept, those of the actual models, then those of
   * the reference.
   */
  readonly module: GraphModule;
  readonly nodes: readonly NodeOfModel[];
}

/**
 * Puts models into one graph, with the inputs of the reference.
 * @param keepsValues whether the graph returns the compared values, too.
 * @throws Error when their inputs differ, no node has a handle, or they have none in common.
 */
export function comparedGraph(
  reference: GraphModule,
  actuals: readonly GraphModule[],
  given: GivenInputs,
  keepsValues: boolean,
  where: string,
): ComparedGraph {
  const module = plainOperators(reference, where);
  const references = nodesByHandle(module, where);
  const pairs = actuals.flatMap((actual, i) => pairsWith(module, references, actual, i, given, where));
  const editor = new GraphEditor(module);
  const results = pairs.map(({ ref, copy }) => compared(editor, copy, ref));
  const atEnd = { before: module.graph.outputNode };
  const values = (keepsValues ? (['copy', 'ref'] as const) : []).flatMap((side) =>
    pairs.map((pair) => realValue(editor, pair[side], atEnd)),
  );
  module.graph.eraseNode(module.graph.outputNode);
  module.graph.output([...results, ...values]);
  module.graph.eliminateDeadCode();
  module.deleteUnused();
  return { module, nodes: pairs.map(({ node }) => node) };
}

interface Pair {
  readonly node: NodeOfModel;
  readonly ref: Node;
  /** Of the actual model's node. */
  readonly copy: Node;
}

/** Copies a model into the graph of the reference, and pairs the nodes that both have. */
function pairsWith(
  module: GraphModule,
  references: ReadonlyMap<number, Node>,
  actual: GraphModule,
  model: number,
  given: GivenInputs,
  where: string,
): readonly Pair[] {
  const other = plainOperators(actual, where);
  const actuals = nodesByHandle(other, where);
  const placeholders = matchInputs(module, other, where);
  for (const [handle, ref] of references) refuseOtherShape(ref, actuals.get(handle), where);
  const copier = new GraphCopier(module, other);
  const copies =
    given === 'own'
      ? copyAll(other, references, placeholders, copier)
      : shadow(new GraphEditor(module), other, references, placeholders, copier);
  inferShapes(module);
  const common = new Set([...references.keys()].filter((handle) => actuals.has(handle)));
  if (common.size === 0)
    throw new Error(`${where}: the models have no node in common; make both from the same captured model`);
  const inputs = given === 'own' ? inputsByHandle(other, common) : undefined;
  return [...common].map((handle) => {
    const [ref, node] = [references.get(handle)!, actuals.get(handle)!];
    const reaching = [...(inputs?.get(handle) ?? [])];
    return {
      node: { ...comparedNode(handle, node, ref), model, inputs: reaching },
      ref,
      copy: copies.get(node)!,
    };
  });
}

/** By handle, those of the nearest nodes before it that have one. */
function inputsByHandle(
  { graph }: GraphModule,
  handles: ReadonlySet<number>,
): ReadonlyMap<number, ReadonlySet<number>> {
  const inputs = new Map<number, Set<number>>();
  /** What a node's value depends on: one handle if it has one itself. */
  const before = new Map<Node, ReadonlySet<number>>();
  for (const node of graph.nodes) {
    const handle = node.meta.numericDebugHandle?.handle;
    const found = new Set(node.allInputNodes.flatMap((input) => [...before.get(input)!]));
    if (handle === undefined || !handles.has(handle)) {
      before.set(node, found);
      continue;
    }
    const all = inputs.get(handle) ?? new Set();
    for (const each of found) if (each !== handle) all.add(each);
    inputs.set(handle, all);
    before.set(node, new Set([handle]));
  }
  return inputs;
}

function comparedNode(handle: number, actual: Node, ref: Node): ComparedNode {
  const [actualModulePath, refModulePath] = [actual, ref].map(modulePathOf);
  return { handle, actualNodeName: actual.name, actualModulePath, refNodeName: ref.name, refModulePath };
}

/** By the inputs of the actual model, those of the reference that take their places. */
function matchInputs(reference: GraphModule, actual: GraphModule, where: string): ReadonlyMap<Node, Node> {
  const [ours, theirs] = [reference, actual].map(({ graph }) => graph.placeholders);
  const describe = (inputs: readonly Node[]) =>
    inputs
      .map((node) => `'${node.target}' (${tensorMeta(node)?.dtype}, rank ${tensorMeta(node)?.shape.length})`)
      .join(', ');
  if (describe(ours) !== describe(theirs))
    throw new Error(`${where}: the models have different inputs: ${describe(ours)}; ${describe(theirs)}`);
  return new Map(theirs.map((node, i) => [node, ours[i]]));
}

/** Models that were captured from different files can have equal handles. */
function refuseOtherShape(ref: Node, actual: Node | undefined, where: string): void {
  if (!actual) return;
  const [ours, theirs] = [ref, actual].map((node) => `[${tensorMeta(node)?.shape.join(', ')}]`);
  if (ours !== theirs)
    throw new Error(
      `${where}: node '${ref}' of the reference is ${ours}, and '${actual}', which stands for it, ${theirs}; ` +
        'make both models from the same captured model',
    );
}

function copyAll(
  { graph }: GraphModule,
  references: ReadonlyMap<number, Node>,
  placeholders: ReadonlyMap<Node, Node>,
  copier: GraphCopier,
): ReadonlyMap<Node, Node> {
  const copies = new Map(placeholders);
  for (const node of graph.nodes) {
    if (node.op === 'placeholder' || node.op === 'output') continue;
    const ref = references.get(node.meta.numericDebugHandle?.handle ?? NaN);
    if (ref) copier.moveBehind(ref);
    copies.set(
      node,
      copier.copy(node, (input) => copies.get(input)!),
    );
  }
  return copies;
}

/** What `octavo.compare` reads as numbers; others are cast. */
const readable: ReadonlySet<DType> = new Set([
  'float32',
  'bfloat16',
  'uint8',
  'int8',
  'uint16',
  'int16',
  'int32',
]);

/** @param x stands behind y. */
function compared(editor: GraphEditor, x: Node, y: Node): Node {
  let last = x;
  const operands = [x, y].flatMap((node) => {
    const { scale, zeroPoint } = node.meta.numericDebugHandle?.qparams ?? { scale: 1, zeroPoint: 0 };
    if (readable.has(tensorMeta(node)!.dtype)) return [node, scale, zeroPoint];
    last = editor.call('aten.to.dtype', [node, 'float32'], { after: last });
    return [last, 1, 0];
  });
  return editor.call('octavo.compare.default', operands, { after: last });
}
