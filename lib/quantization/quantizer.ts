import type { GraphModule } from '../graph/index.ts';
import type { EdgeOrNodeMap } from './edge-or-node-map.ts';
import type { ObserverOrFakeQuantize } from './observers/index.ts';

/**
 * Knows which tensors a backend wants quantized, and how (counterpart: `torch.ao.quantization.quantizer.Quantizer`).
 * Write one by extending this class; `preparePt2e` calls the methods in the order they stand here.
 */
export abstract class Quantizer {
  /** Rewrites the graph before annotation, where the backend needs other operators. */
  transformForAnnotation(module: GraphModule): GraphModule {
    return module;
  }

  /** Puts `quantizationAnnotation` into the meta of nodes. */
  abstract annotate(module: GraphModule): void;

  /**
   * Checks the annotations before observers are made of them.
   * @throws Error when the annotated graph asks for what the backend cannot do.
   */
  validate(_module: GraphModule): void {}

  /**
   * May replace observers after they are made, one a sharing group, and before they are inserted
   * (`prepare_obs_or_fq_callback`). Places that stay in floating point have null.
   */
  prepareObserversCallback(
    _module: GraphModule,
    _observers: EdgeOrNodeMap<ObserverOrFakeQuantize | null>,
  ): void {}
}
