import { type Argument, type GraphModule, isArgumentList, Node, tensorMeta } from '../../graph/index.ts';
import { GraphEditor } from '../../transforms/editor.ts';
import type { ObserverOrFakeQuantize } from '../observers/index.ts';
import type { Observers } from './create-observers.ts';

/**
 * Puts `call_module` nodes of the observers into the graph (counterpart: the second half of PyTorch's `prepare`): before a
 * node where an input is observed, after it where its output is. An observer that a tensor already goes through is not
 * inserted again.
 * @throws Error that names the node when an observed output is not known to be a tensor, or an annotated input is a
 * keyword argument.
 */
export function insertObservers(module: GraphModule, observers: Observers): void {
  const editor = new GraphEditor(module);
  for (const node of module.graph.nodes) {
    if (!node.meta.quantizationAnnotation) continue;
    checkKeywordArguments(node);
    node.setArguments(node.args.map((arg) => observeInput(editor, node, arg, observers)));
    observeOutput(editor, node, observers);
  }
}

function observeInput(editor: GraphEditor, node: Node, arg: Argument, observers: Observers): Argument {
  if (isArgumentList(arg)) return arg.map((item) => observeInput(editor, node, item, observers));
  if (!(arg instanceof Node)) return arg;
  const producer = unobserved(arg);
  const observer = observers.get([producer, node]);
  if (!observer || observers.get(producer) === observer) return arg;
  const inserted = arg.users.find((user) => observerOf(editor.module, user) === observer);
  return inserted ?? insert(editor, arg, observer);
}

function observeOutput(editor: GraphEditor, node: Node, observers: Observers): void {
  const observer = observers.get(node);
  if (!observer) return;
  if (!tensorMeta(node))
    throw new Error(
      `the output of node '${node}' (${node.target}) is annotated, but meta.val says no tensor`,
    );
  const observed = insert(editor, node, observer);
  const { numericDebugHandle } = node.meta;
  if (numericDebugHandle) observed.meta.numericDebugHandle = numericDebugHandle;
  node.replaceAllUsesWith(observed);
}

function insert(editor: GraphEditor, node: Node, observer: ObserverOrFakeQuantize): Node {
  return editor.callModule('activation_post_process_0', observer, node, { after: node });
}

function observerOf(module: GraphModule, node: Node): unknown {
  return node.op === 'call_module' ? module.module(node.target) : undefined;
}

/** The node whose value an argument is, behind observers already inserted. */
function unobserved(arg: Node): Node {
  let node = arg;
  while (node.op === 'call_module') node = node.args[0] as Node;
  return node;
}

function checkKeywordArguments(node: Node): void {
  for (const [name, arg] of Object.entries(node.kwargs))
    if (arg instanceof Node && node.meta.quantizationAnnotation!.inputQspecMap.get(arg))
      throw new Error(`node '${node}' (${node.target}): input '${name}' is annotated; pass it by position`);
}
