import { type Argument, isCall, type Node, serializeArgument } from '../../graph/index.ts';
import { Tensor } from '../../tensor/index.ts';
import type { Pass, PassContext } from '../pass.ts';

/**
 * Opt in (`lower(module, { mergeLinears: true })`): quantized linear layers of one input, such as query, key and value, are
 * computed as one layer of all their rows (torchao: `register_quantized_concat_linear_cpu_pass`). Each result is a sum of
 * integers times its own scale, as before, so it is the same bit for bit. Layers merge whose results are of one dtype and
 * one scale, under one function: a layer that quantizes its result in another way stays alone.
 *
 *     x ─┬→ qlinear(w1, s1, b1) → a            x → qlinear(cat(w1, w2), cat(s1, s2), cat(b1, b2)) → slices ─┬→ a
 *        └→ qlinear(w2, s2, b2) → b      ⇒                                                                  └→ b
 */
export const mergeLinears: Pass = {
  name: 'merge-linears',
  run(context) {
    const groups = new Map<string, Node[]>();
    for (const node of context.graph.nodes) {
      if (!isCall(node, 'onednn.qlinear_pointwise.default', 'onednn.qlinear_pointwise.tensor')) continue;
      const key = keyOf(context, node);
      if (key !== undefined) groups.set(key, [...(groups.get(key) ?? []), node]);
    }
    const merged = [...groups.values()].filter((group) => group.length > 1);
    for (const group of merged) merge(context, group);
    return merged.length;
  },
};

/** Parameters with one element, or one row, for each result. */
const perResult = ['qw', 'w_scale', 'w_zero_point', 'bias'] as const;

/** What layers have in common that can be merged; undefined for one whose weight is not a constant of channels. */
function keyOf(context: PassContext, node: Node): string | undefined {
  const args = context.args(node);
  const weight = context.constantValue(args.tensor('qw'));
  if (weight?.shape.length !== 2) return undefined;
  const kinds: (string | null)[] = [];
  for (const name of perResult) {
    if (args.isNone(name)) {
      kinds.push(null);
      continue;
    }
    const value = context.constantValue(args.tensor(name));
    if (value?.shape[0] !== weight.shape[0]) return undefined;
    kinds.push(`${value.dtype} ${value.shape.slice(1)}`);
  }
  const others = args.schema.arguments.filter(({ name }) => !(perResult as readonly string[]).includes(name));
  return JSON.stringify([
    node.target,
    kinds,
    others.map(({ name }) => serializeArgument(args.raw(name) as Argument)),
  ]);
}

/** One tensor of the rows of several, in their order. */
function joined(tensors: readonly Tensor[]): Tensor {
  const [{ dtype, shape }] = tensors;
  const bytes = Buffer.concat(tensors.map((tensor) => tensor.bytes()));
  const rows = tensors.reduce((sum, tensor) => sum + tensor.shape[0], 0);
  return Tensor.fromBytes(dtype, new Uint8Array(bytes), [rows, ...shape.slice(1)]);
}

function merge(context: PassContext, group: readonly Node[]): void {
  const [first] = group;
  const place = { before: first, like: group };
  const named: Record<string, Argument> = { ...context.named(first) };
  const parameters = new Set<Node>();
  for (const name of perResult) {
    if (named[name] === null) continue;
    const given = group.map((node) => context.args(node).tensor(name));
    for (const node of given) parameters.add(node);
    const values = given.map((node) => context.constantValue(node)!);
    named[name] = context.constant(`${given[0].target}_merged`, joined(values), place);
  }
  const layer = context.call(first.target, named, place);
  context.inherit(layer, group);
  let begin = 0;
  for (const node of group) {
    const end = begin + (context.meta(node).shape.at(-1) as number);
    const part = context.call('aten.slice.Tensor', [layer, -1, begin, end], { after: layer, like: [node] });
    context.replaceWith(node, part);
    begin = end;
  }
  for (const node of parameters) if (node.users.length === 0) context.erase(node);
}
