import { operators } from '../aten/index.ts';
import { GraphModule, inputsOf, isStateful, type Node, propagateShapes, tensorMeta } from '../graph/index.ts';
import { GraphEditor } from '../transforms/editor.ts';
import type { ComparedNode } from './compare-results.ts';
import { modulePathOf, nodesByHandle } from './debug-handles.ts';
import { GraphCopier } from './graph-copier.ts';
import { realValue } from './real-values.ts';
import { shadow } from './shadow.ts';

/** What the nodes of the actual model are given: their own inputs, or what the reference has in place of these. */
export type GivenInputs = 'own' | 'of the reference';

/** Two models in one graph, which returns by how much their nodes differ. */
export interface ComparedGraph {
  readonly module: GraphModule;
  readonly nodes: readonly (ComparedNode & {
    /** Of the reference. */
    readonly ref: Node;
    readonly measures: Measures<Node>;
  })[];
}

/** Per sample: Σ x², Σ y², Σ x y, Σ (x - y)², the largest |x - y|. The graph returns them in this order. */
export type Measures<T> = readonly [signal: T, other: T, product: T, noise: T, maxError: T];

/**
 * Puts both models into one graph, with the inputs of the reference.
 * @throws Error when their inputs differ, no node has a handle, they have none in common, or a model is prepared for training.
 */
export function comparedGraph(
  reference: GraphModule,
  actual: GraphModule,
  given: GivenInputs,
  where: string,
): ComparedGraph {
  const module = withoutObservers(reference, where);
  const other = withoutObservers(actual, where);
  const editor = new GraphEditor(module);
  inferShapes(module);
  inferShapes(other);
  const references = nodesByHandle(module, where);
  const actuals = nodesByHandle(other, where);
  const placeholders = matchInputs(module, other, where);
  for (const [handle, ref] of references) refuseOtherShape(ref, actuals.get(handle), where);
  const copier = new GraphCopier(module, other);
  const copies =
    given === 'own'
      ? copyAll(other, placeholders, copier)
      : shadow(editor, other, references, placeholders, copier);
  inferShapes(module);
  const nodes = [...references].flatMap(([handle, ref]) => {
    const node = actuals.get(handle);
    if (!node) return [];
    const measures = measure(editor, realValue(editor, copies.get(node)!), realValue(editor, ref));
    const [actualModulePath, refModulePath] = [node, ref].map(modulePathOf);
    const names = { actualNodeName: node.name, actualModulePath, refNodeName: ref.name, refModulePath };
    return [{ handle, ...names, ref, measures }];
  });
  if (nodes.length === 0)
    throw new Error(`${where}: the models have no node in common; make both from the same captured model`);
  module.graph.eraseNode(module.graph.outputNode);
  module.graph.output(nodes.flatMap(({ measures }) => measures));
  module.graph.eliminateDeadCode();
  module.deleteUnused();
  return { module, nodes };
}

/** A copy without observers, which only pass tensors on. */
function withoutObservers(module: GraphModule, where: string): GraphModule {
  const copy = GraphModule.accept(module, where).clone();
  for (const node of copy.graph.nodes) {
    if (node.op !== 'call_module') continue;
    if (isStateful(copy.module(node.target)))
      throw new Error(
        `${where}: the model is prepared for training; compare what convertPt2e makes of it, or log it with ` +
          'prepareForPropagationComparison',
      );
    node.replaceAllUsesWith(node.args[0] as Node);
    copy.graph.eraseNode(node);
  }
  return copy;
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

/** Every node's dtype and shape, from those of the inputs. */
function inferShapes(module: GraphModule): void {
  for (const [node, val] of propagateShapes(module, inputsOf(module), operators))
    node.meta = { ...node.meta, val };
}

function copyAll({ graph }: GraphModule, placeholders: ReadonlyMap<Node, Node>, copier: GraphCopier) {
  const copies = new Map(placeholders);
  for (const node of graph.nodes)
    if (node.op !== 'placeholder' && node.op !== 'output')
      copies.set(
        node,
        copier.copy(node, (input) => copies.get(input)!),
      );
  return copies;
}

function measure(editor: GraphEditor, x: Node, y: Node): Measures<Node> {
  const g = editor.at({ before: editor.graph.outputNode });
  // All axes but the first: few enough elements for a sum in float32.
  const axes = tensorMeta(x)!
    .shape.slice(1)
    .map((_, i) => i + 1);
  const overAxes = (target: string, node: Node) => (axes.length === 0 ? node : g.call(target, node, axes));
  const products = (a: Node, b: Node) => overAxes('aten.sum.dim_IntList', g.call('aten.mul.Tensor', a, b));
  const difference = g.call('aten.sub.Tensor', x, y);
  const largest = overAxes('aten.amax.default', g.call('aten.abs.default', difference));
  return [products(x, x), products(y, y), products(x, y), products(difference, difference), largest];
}
