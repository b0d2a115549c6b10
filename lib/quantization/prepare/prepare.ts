import { GraphModule } from '../../graph/index.ts';
import { GraphEditor } from '../../transforms/editor.ts';
import { refuseTrainingMode } from '../../transforms/training-mode.ts';
import { Quantizer } from '../quantizer.ts';
import { DEFAULT_RECIPE, type Recipe } from '../recipe.ts';
import { createObservers } from './create-observers.ts';
import { foldBatchNorms } from './fold-batch-norm.ts';
import { insertObservers } from './insert-observers.ts';
import { groupPlaces } from './sharing.ts';

/** What differs between preparing for calibration and for training. */
export interface Preparation {
  /** Of the function that the caller called, for messages. */
  readonly name: string;
  /** Whether it is for training. */
  readonly isQat: boolean;
  readonly beforeAnnotation?: (editor: GraphEditor, recipe: Recipe) => void;
  readonly afterAnnotation?: (editor: GraphEditor, recipe: Recipe) => void;
}

/**
 * Prepares a captured model for calibration (counterpart: `torchao.quantization.pt2e.quantize_pt2e.prepare_pt2e`): folds batch
 * norms, lets the quantizer annotate, and inserts observers as `call_module` nodes. `module` itself is left as it is.
 * @throws Error that names node and place where annotations contradict each other, or the model is prepared already or in training
 * mode.
 */
export function preparePt2e(module: GraphModule, quantizer: Quantizer): GraphModule {
  refuseTrainingMode(GraphModule.accept(module, 'preparePt2e'), 'preparePt2e');
  return prepare(module, quantizer, { name: 'preparePt2e', isQat: false, beforeAnnotation: foldBatchNorms });
}

/** The part that every preparation has. */
export function prepare(module: GraphModule, quantizer: Quantizer, how: Preparation): GraphModule {
  const copy = GraphModule.accept(module, how.name).clone();
  if (!(quantizer instanceof Quantizer))
    throw new Error(`${how.name}: expected a Quantizer as its second argument`);
  const observer = copy.graph.nodes.find(({ op }) => op === 'call_module');
  if (observer)
    throw new Error(`${how.name}: the model is prepared already: it has the observer '${observer.target}'`);
  const { recipe } = quantizer;
  how.beforeAnnotation?.(new GraphEditor(copy), recipe);
  const prepared = quantizer.transformForAnnotation(copy);
  quantizer.annotate(prepared);
  quantizer.validate(prepared);
  how.afterAnnotation?.(new GraphEditor(prepared), recipe);
  const observers = createObservers(groupPlaces(prepared), how.isQat);
  quantizer.prepareObserversCallback(prepared, observers);
  insertObservers(prepared, observers);
  if (recipe !== DEFAULT_RECIPE) prepared.meta.recipe = recipe;
  prepared.deleteUnused();
  prepared.graph.lint();
  return prepared;
}
