import { constantNodes, type GraphModule, Node } from '../graph/index.ts';
import {
  type EdgeOrNode,
  type EdgeOrNodeMap,
  type ObserverOrFakeQuantize,
  Quantizer,
  type Recipe,
  type X86Quantizer,
} from '../quantization/index.ts';
import { excludeFromQuantization } from '../quantization/x86/annotation.ts';

/** Places of tensors that share one observer. */
export interface ObservedPlaces {
  readonly places: readonly EdgeOrNode[];
  /** Whether they are parameters, or computed from these alone. */
  readonly isConstant: boolean;
}

/** Returns the observer that takes another's place, or that one. */
export type ChooseObserver = (
  observed: ObservedPlaces,
  observer: ObserverOrFakeQuantize,
) => ObserverOrFakeQuantize;

/** The recipe's quantizer, but some nodes stay in floating point, and the observer of each tensor is chosen. */
export class ChosenQuantizer extends Quantizer {
  readonly #recipe: X86Quantizer;
  readonly #inFloat: ReadonlySet<string>;
  readonly #choose: ChooseObserver;

  /** @param inFloat names of nodes. */
  constructor(recipe: X86Quantizer, inFloat: ReadonlySet<string>, choose: ChooseObserver) {
    super();
    this.#recipe = recipe;
    this.#inFloat = inFloat;
    this.#choose = choose;
  }

  override get recipe(): Recipe {
    return this.#recipe.recipe;
  }

  override transformForAnnotation(module: GraphModule): GraphModule {
    return this.#recipe.transformForAnnotation(module);
  }

  override annotate(module: GraphModule): void {
    // What is excluded already, the recipe passes over, alone and in longer patterns.
    excludeFromQuantization(module.graph.nodes.filter(({ name }) => this.#inFloat.has(name)));
    this.#recipe.annotate(module);
  }

  override prepareObserversCallback(
    { graph }: GraphModule,
    observers: EdgeOrNodeMap<ObserverOrFakeQuantize | null>,
  ): void {
    const constants = constantNodes(graph);
    const places = new Map<ObserverOrFakeQuantize, EdgeOrNode[]>();
    for (const [place, observer] of observers.entries())
      if (observer) places.set(observer, [...(places.get(observer) ?? []), place]);
    for (const [observer, shared] of places) {
      const isConstant = shared.every((place) => constants.has(producerOf(place)));
      const chosen = this.#choose({ places: shared, isConstant }, observer);
      for (const place of shared) observers.set(place, chosen);
    }
  }
}

/** The node whose tensor a place is. */
export const producerOf = (place: EdgeOrNode): Node => (place instanceof Node ? place : place[0]);
