import { operators } from '../../aten/index.ts';
import { GraphModule } from '../../graph/index.ts';

/** Where operators have the switch for training, by the name of the argument. */
const switches: readonly string[] = ['train', 'training'];

/**
 * Switches batch norms and dropouts of a captured model to evaluation mode, in place (counterpart: torchao's
 * `move_exported_model_to_eval`): batch norms then use their running statistics.
 * @returns the model itself.
 */
export function moveExportedModelToEval(module: GraphModule): GraphModule {
  return switched(module, false, 'moveExportedModelToEval');
}

/** The reverse of {@link moveExportedModelToEval} (counterpart: torchao's `move_exported_model_to_train`). */
export function moveExportedModelToTrain(module: GraphModule): GraphModule {
  return switched(module, true, 'moveExportedModelToTrain');
}

function switched(module: GraphModule, training: boolean, name: string): GraphModule {
  GraphModule.accept(module, name);
  for (const node of module.graph.nodes) {
    if (node.op !== 'call_function' || !operators.has(node.target)) continue;
    const at = operators.get(node.target).schema.arguments.findIndex((each) => switches.includes(each.name));
    if (at >= 0 && at < node.args.length) node.updateArgument(at, training);
  }
  return module;
}
