import { GraphModule, isCall } from '../../graph/index.ts';
import { trainingSwitch } from '../../transforms/training-mode.ts';
import { BATCH_NORM } from './batch-norm-pattern.ts';

/**
 * Switches batch norms and dropouts of a captured model to evaluation mode, in place (counterpart: torchao's
 * `move_exported_model_to_eval`): batch norms then use their running statistics.
 * @returns the model itself.
 */
export function moveExportedModelToEval(module: GraphModule): GraphModule {
  return switched(module, false, 'moveExportedModelToEval');
}

/**
 * The reverse of {@link moveExportedModelToEval} (counterpart: torchao's `move_exported_model_to_train`). Batch norms that
 * {@link freezeBatchNormStats} has frozen stay so.
 */
export function moveExportedModelToTrain(module: GraphModule): GraphModule {
  return switched(module, true, 'moveExportedModelToTrain');
}

/**
 * Lets `model.train()` and `model.eval()` switch batch norms and dropouts, as {@link moveExportedModelToTrain} and
 * {@link moveExportedModelToEval} do (counterpart: torchao's `allow_exported_model_train_eval`). Code that has branched on the mode when
 * the model was captured stays as it was. What is made from the model (`clone`, `prepareQatPt2e`, `convertPt2e`) has to be allowed anew.
 * @returns the model itself.
 */
export function allowExportedModelTrainEval(module: GraphModule): GraphModule {
  GraphModule.accept(module, 'allowExportedModelTrainEval').train = (mode = true) =>
    switched(module, mode, 'train');
  return module;
}

function switched(module: GraphModule, training: boolean, name: string): GraphModule {
  GraphModule.accept(module, name);
  for (const node of module.graph.nodes) {
    const at = trainingSwitch(node);
    if (at !== undefined) node.updateArgument(at, training && !node.meta.hasFrozenStatistics);
  }
  return module;
}

/**
 * Lets batch norms keep their running statistics from here on, and normalize with them, in place (counterpart:
 * `torch.ao.nn.intrinsic.qat.freeze_bn_stats`); dropouts stay as they are. It is usual after a few epochs of quantization aware training.
 * It holds for good, also after evaluation mode and for what is made of the model. It is part of the graph and not of its tensors: a model
 * into which a checkpoint is loaded has to be frozen again, as `train` does it by itself.
 * @returns the model itself.
 */
export function freezeBatchNormStats(module: GraphModule): GraphModule {
  GraphModule.accept(module, 'freezeBatchNormStats');
  for (const node of module.graph.nodes)
    if (isCall(node, BATCH_NORM)) {
      node.updateArgument(5, false);
      node.meta.hasFrozenStatistics = true;
    }
  return module;
}
