import { GraphModule } from '../../graph/index.ts';
import { GraphEditor } from '../../transforms/editor.ts';
import { Quantizer } from '../quantizer.ts';
import { DEFAULT_RECIPE } from '../recipe.ts';
import { createObservers } from './create-observers.ts';
import { foldBatchNorms } from './fold-batch-norm.ts';
import { insertObservers } from './insert-observers.ts';
import { groupPlaces } from './sharing.ts';

/**
 * Prepares a captured model for calibration (counterpart: `torchao.quantization.pt2e.quantize_pt2e.prepare_pt2e`): folds batch
 * norms, lets the quantizer annotate, and inserts observers as `call_module` nodes. `module` itself is left as it is.
 * @throws Error that names node and place where annotations contradict each other, or the model is prepared already.
 */
export function preparePt2e(module: GraphModule, quantizer: Quantizer): GraphModule {
  const copy = GraphModule.accept(module, 'preparePt2e').clone();
  if (!(quantizer instanceof Quantizer))
    throw new Error('preparePt2e: expected a Quantizer as its second argument');
  const observer = copy.graph.nodes.find(({ op }) => op === 'call_module');
  if (observer)
    throw new Error(`preparePt2e: the model is prepared already: it has the observer '${observer.target}'`);
  const { recipe } = quantizer;
  foldBatchNorms(new GraphEditor(copy), recipe);
  const prepared = quantizer.transformForAnnotation(copy);
  quantizer.annotate(prepared);
  quantizer.validate(prepared);
  const observers = createObservers(groupPlaces(prepared));
  quantizer.prepareObserversCallback(prepared, observers);
  insertObservers(prepared, observers);
  if (recipe !== DEFAULT_RECIPE) prepared.meta.recipe = recipe;
  prepared.deleteUnused();
  prepared.graph.lint();
  return prepared;
}
