import { GraphModule } from '../../graph/index.ts';
import { trainingSwitch } from '../../transforms/training-mode.ts';

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
    const at = trainingSwitch(node);
    if (at !== undefined) node.updateArgument(at, training);
  }
  return module;
}
