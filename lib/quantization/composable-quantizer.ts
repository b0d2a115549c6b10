import type { GraphModule, Node } from '../graph/index.ts';
import type { QuantizationAnnotation } from './annotation.ts';
import type { EdgeOrNodeMap } from './edge-or-node-map.ts';
import type { ObserverOrFakeQuantize } from './observers/index.ts';
import { Quantizer } from './quantizer.ts';
import { DEFAULT_RECIPE, type Recipe } from './recipe.ts';

/**
 * Combines several quantizers, each for the operators it knows (counterpart: `ComposableQuantizer`). Earlier quantizers
 * have priority: later ones must not change their annotations.
 */
export class ComposableQuantizer extends Quantizer {
  readonly quantizers: readonly Quantizer[];

  constructor(quantizers: readonly Quantizer[]) {
    super();
    this.quantizers = [...quantizers];
  }

  /** An older recipe if one of the quantizers follows it. */
  override get recipe(): Recipe {
    return (
      this.quantizers.map(({ recipe }) => recipe).find((recipe) => recipe !== DEFAULT_RECIPE) ?? super.recipe
    );
  }

  override transformForAnnotation(module: GraphModule): GraphModule {
    return this.quantizers.reduce((graph, quantizer) => quantizer.transformForAnnotation(graph), module);
  }

  /** @throws Error that names both quantizers and the node when one changes or removes what an earlier one annotated. */
  override annotate(module: GraphModule): void {
    const claims = new Map<Node, { readonly annotation: QuantizationAnnotation; readonly by: string }>();
    for (const quantizer of this.quantizers) {
      const { name } = quantizer.constructor;
      quantizer.annotate(module);
      for (const node of module.graph.nodes) {
        const annotation = node.meta.quantizationAnnotation;
        const claim = claims.get(node);
        if (claim && annotation !== claim.annotation)
          throw new Error(
            `${name} has ${annotation ? 'changed' : 'removed'} the annotation of node '${node}' by ${claim.by}`,
          );
        if (annotation && !claim) claims.set(node, { annotation, by: name });
      }
    }
  }

  override validate(module: GraphModule): void {
    for (const quantizer of this.quantizers) quantizer.validate(module);
  }

  override prepareObserversCallback(
    module: GraphModule,
    observers: EdgeOrNodeMap<ObserverOrFakeQuantize | null>,
  ): void {
    for (const quantizer of this.quantizers) quantizer.prepareObserversCallback(module, observers);
  }
}
