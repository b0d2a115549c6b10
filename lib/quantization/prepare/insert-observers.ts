import { type Argument, type GraphModule, isArgumentList, Node, tensorMeta } from '../../graph/index.ts';
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
  for (const node of module.graph.nodes) {
    if (!node.meta.quantizationAnnotation) continue;
    checkKeywordArguments(node);
    node.setArguments(node.args.map((arg) => observeInput(module, node, arg, observers)));
    observeOutput(module, node, observers);
  }
}

function observeInput(module: GraphModule, node: Node, arg: Argument, observers: Observers): Argument {
  if (isArgumentList(arg)) return arg.map((item) => observeInput(module, node, item, observers));
  if (!(arg instanceof Node)) return arg;
  const producer = unobserved(arg);
  const observer = observers.get([producer, node]);
  if (!observer || observers.get(producer) === observer) return arg;
  const inserted = arg.users.find((user) => observerOf(module, user) === observer);
  return inserted ?? insert(module, arg, observer);
}

function observeOutput(module: GraphModule, node: Node, observers: Observers): void {
  const observer = observers.get(node);
  if (!observer) return;
  if (!tensorMeta(node))
    throw new Error(
      `the output of node '${node}' (${node.target}) is annotated, but meta.val says no tensor`,
    );
  const observed = insert(module, node, observer);
  node.replaceAllUsesWith(observed);
}

function insert(module: GraphModule, node: Node, observer: ObserverOrFakeQuantize): Node {
  const { graph, modules, attributes } = module;
  let i = 0;
  while (modules.has(`activation_post_process_${i}`) || attributes.has(`activation_post_process_${i}`)) i++;
  const name = `activation_post_process_${i}`;
  modules.set(name, observer);
  return graph.insertingAfter(node, () => graph.callModule(name, [node]));
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
