import { type Argument, type Graph, type GraphModule, Node, onlyUser } from '../graph/index.ts';
import type { Tensor } from '../tensor/index.ts';
import type { GraphEditor } from './editor.ts';

/** The constant behind an argument, if it is float32. */
export function floatConstant(module: GraphModule, arg: Argument | undefined): Tensor | undefined {
  if (!(arg instanceof Node) || arg.op !== 'get_attr') return undefined;
  const tensor = module.attribute(arg.target);
  return tensor.data instanceof Float32Array ? tensor : undefined;
}

/** Gives an argument another constant: in place, unless others use the old one too. */
export function setConstant(editor: GraphEditor, node: Node, at: number, value: Tensor, name: string): void {
  const old = node.args[at] as Node | null | undefined;
  if (old && isOwnConstant(editor.graph, old, node)) {
    editor.module.attributes.set(old.target, value);
    return;
  }
  const constant = editor.constant(old ? old.target : `${node.name}.${name}`, value, { before: node });
  // A call that leaves out its last arguments has fewer than the schema.
  const args = Array.from({ length: Math.max(at + 1, node.args.length) }, (_, i) => node.args[i] ?? null);
  node.setArguments(args.with(at, constant));
}

/** Whether a node alone uses a constant, also under other nodes that name it. */
export function isOwnConstant({ nodes }: Graph, arg: Argument, user: Node): boolean {
  return (
    arg instanceof Node &&
    arg.op === 'get_attr' &&
    onlyUser(arg) === user &&
    !nodes.some((node) => node !== arg && node.op === 'get_attr' && node.target === arg.target)
  );
}
