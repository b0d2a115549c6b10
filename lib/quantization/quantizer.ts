import type { GraphModule } from '../graph/index.ts';
import type { EdgeOrNodeMap } from './edge-or-node-map.ts';
import type { ObserverOrFakeQuantize } from './observers/index.ts';
import { DEFAULT_RECIPE, type Recipe } from './recipe.ts';

/**
 * Decides which tensors are quantized for a backend, and how (counterpart:
 * `torch.ao.quantization.quantizer.Quantizer`). To write one, extend this class. `preparePt2e` calls the methods in the
 * order in which they are declared here.
 */
export abstract class Quantizer {
  /** The PT2E that `preparePt2e` and `convertPt2e` follow with this quantizer. */
  get recipe(): Recipe {
    return DEFAULT_RECIPE;
  }

  /** Rewrites the graph before annotation, if the backend needs other operators. */
  transformForAnnotation(module: GraphModule): GraphModule {
    return module;
  }

  /** Sets `quantizationAnnotation` in the meta of nodes. */
  abstract annotate(module: GraphModule): void;

  /**
   * Checks the annotations before observers are created from them.
   * @throws Error when the annotated graph requests something that the backend cannot do.
   */
  validate(_module: GraphModule): void {}

  /**
   * May replace observers after they are created, one per sharing group, and before they are inserted
   * (`prepare_obs_or_fq_callback`). The value of a place that stays in floating point is null.
   */
  prepareObserversCallback(
    _module: GraphModule,
    _observers: EdgeOrNodeMap<ObserverOrFakeQuantize | null>,
  ): void {}
}
