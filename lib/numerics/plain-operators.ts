import { operators } from '../aten/index.ts';
import {
  GraphModule,
  inputsOf,
  isStateful,
  type Node,
  propagateShapes,
  type StatefulModule,
  tensorMeta,
} from '../graph/index.ts';
import { GraphEditor } from '../transforms/editor.ts';
import { fixedState } from './fixed-state.ts';

/**
 * A copy of a model that consists of operators alone, with their dtypes and shapes: observers, which only pass tensors on, are left out, and
 * fake quantizers are written as operators that round by the range they have.
 * @throws Error when the model is in training mode.
 */
export function plainOperators(module: GraphModule, where: string): GraphModule {
  const copy = GraphModule.accept(module, where).clone();
  const trained = copy.graph.nodes.find(isTraining);
  if (trained)
    throw new Error(
      `${where}: the model is in training mode, as '${trained}' shows; call moveExportedModelToEval on it first`,
    );
  for (const node of copy.graph.nodes) {
    if (node.op !== 'call_module' || isStateful(copy.module(node.target))) continue;
    node.replaceAllUsesWith(node.args[0] as Node);
    copy.graph.eraseNode(node);
  }
  inferShapes(copy);
  const editor = new GraphEditor(copy);
  for (const node of copy.graph.nodes)
    if (node.op === 'call_module') writeAsOperators(editor, node, copy.module(node.target) as StatefulModule);
  return copy;
}

/** Every node's dtype and shape, from those of the inputs. */
export function inferShapes(module: GraphModule): void {
  for (const [node, val] of propagateShapes(module, inputsOf(module), operators))
    node.meta = { ...node.meta, val };
}

function writeAsOperators(editor: GraphEditor, node: Node, module: StatefulModule): void {
  const [input] = node.args as readonly Node[];
  const place = { before: node };
  const shape = tensorMeta(input)!.shape as readonly number[];
  const state = [...fixedState(module, shape)].map(
    ([name, value]) => [name, editor.constant(`${node.target}_${name}`, value, place)] as const,
  );
  editor.replaceWith(node, module.emit(input, new Map(state), editor.at(place)).result);
}

function isTraining({ op, target, args }: Node): boolean {
  if (op !== 'call_function') return false;
  if (target === 'aten.batch_norm.default') return args[5] === true;
  return target.startsWith('aten.dropout') && args[2] === true;
}
