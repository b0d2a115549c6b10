import type { GraphModule, Node } from '../graph/index.ts';
import type { GraphEditor } from '../transforms/editor.ts';
import type { GraphCopier } from './graph-copier.ts';
import { inFormOf } from './real-values.ts';

/**
 * Copies a model so that each of its nodes is given what the reference has in the place of its inputs, and gives the copies by their nodes:
 * what a layer alone does to a value, without the errors of those before it.
 *
 *     reference   x → conv ─────────── r → relu → …           alone    x → q → dq → conv' ── compared with r
 *     actual      x → q → dq → conv' → q → dq → relu' → …              r → q → dq → relu' ── compared with relu
 *
 * The nodes behind a compared one that only quantize its value belong to it: they have its handle, or no other node between.
 * @param references by handle, the values of the reference in the graph that is copied to.
 * @param placeholders what takes the place of the model's inputs.
 */
export function shadow(
  editor: GraphEditor,
  { graph }: GraphModule,
  references: ReadonlyMap<number, Node>,
  placeholders: ReadonlyMap<Node, Node>,
  copier: GraphCopier,
): ReadonlyMap<Node, Node> {
  /** What is compared. */
  const alone = new Map(placeholders);
  /** What readers of the value are given. */
  const given = new Map(placeholders);
  /** The compared node that a node belongs to, by its handle. */
  const owners = new Map<Node, number>();
  for (const node of graph.nodes) {
    if (node.op === 'placeholder' || node.op === 'output') continue;
    const handle = node.meta.numericDebugHandle?.handle;
    const ref = handle === undefined ? undefined : references.get(handle);
    const before = new Set(node.allInputNodes.flatMap((input) => owners.get(input) ?? []));
    const owner = ref ? handle : before.size === 1 ? [...before][0] : undefined;
    const isBehind = owner !== undefined && before.has(owner);
    if (ref) copier.moveBehind(ref);
    const copy = copier.copy(
      node,
      (input) => (isBehind && owners.get(input) === owner ? alone : given).get(input)!,
    );
    alone.set(node, copy);
    if (isBehind)
      given.set(
        node,
        copier.copy(node, (input) => given.get(input)!),
      );
    else given.set(node, ref ? inFormOf(editor, node, ref, copier.place) : copy);
    if (owner !== undefined) owners.set(node, owner);
  }
  return alone;
}
