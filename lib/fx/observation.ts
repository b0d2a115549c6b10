import { ObservationType } from '../backend/index.ts';
import { type Graph, isArgumentList, Node, tensorMeta } from '../graph/index.ts';
import { isReal } from '../quantization/annotation.ts';
import {
  type EdgeOrNode,
  EdgeOrNodeMap,
  type ObserverClass,
  type PartialObserver,
  type QConfig,
  ReuseInputObserver,
  type SpecDType,
} from '../quantization/index.ts';
import { isQuantizedDType } from '../quantization/quantized-dtype.ts';
import { argumentsOf } from './arguments.ts';
import type { Match } from './matches.ts';
import type { Support } from './support.ts';

/** A pattern that the backend quantizes, with its configuration. */
export interface Quantized {
  readonly match: Match;
  readonly qconfig: QConfig;
  readonly support: Support;
}

/** An observer that places may have in common. */
export interface Observation {
  readonly observer: PartialObserver;
}

/** The observer of each place. It may be exchanged for another place's, and only there. */
export type Observations = EdgeOrNodeMap<Observation>;

/**
 * Decides where observers stand, and which of them are one (counterpart: `insert_observers_for_model`). A tensor is observed where it is
 * computed, if its pattern is quantized, and all who read it read the quantized one. Otherwise it is observed before the first who reads
 * it quantized, and others who read it in the same dtype have that observer, too.
 */
export function observe(graph: Graph, quantized: readonly Quantized[]): Observations {
  return new Observer(quantized).run(graph);
}

class Observer {
  readonly #quantized: readonly Quantized[];
  readonly #observations: Observations = new EdgeOrNodeMap();
  /** What results are said to be: the dtype of their configuration, even if nothing observes them. */
  readonly #dtypes = new Map<Node, SpecDType>();

  constructor(quantized: readonly Quantized[]) {
    this.#quantized = quantized;
    for (const { match, qconfig } of quantized) {
      const { dtype } = qconfig.activation.create();
      for (const node of match.nodes) this.#dtypes.set(node, dtype);
    }
  }

  run({ nodes }: Graph): Observations {
    const byFirst = new Map(this.#quantized.map((one) => [one.match.nodes[0], one]));
    const byLast = new Map(this.#quantized.map((one) => [one.match.nodes.at(-1)!, one]));
    for (const node of nodes) {
      const [begins, ends] = [byFirst.get(node), byLast.get(node)];
      if (begins) this.#observeInputs(begins);
      if (ends) this.#observeOutput(ends);
    }
    return this.#observations;
  }

  #observeInputs({ match, qconfig, support }: Quantized): void {
    const [node] = match.nodes;
    const { activations, weights } = argumentsOf(node, match.calls[0]);
    const [first] = activations;
    for (const input of activations)
      if (isReal(input)) this.#observeInput(input, node, qconfig.activation, input === first);
    if (support.weights)
      for (const weight of weights) this.#observeInput(weight, node, qconfig.weight, false);
  }

  #observeInput(input: Node, node: Node, observer: PartialObserver, isFirst: boolean): void {
    const { dtype, isDynamic } = observer.create();
    if (observer.observerClass === (ReuseInputObserver as ObserverClass)) return;
    const known = this.#dtypes.get(input) ?? 'float32';
    // Float16 weights are enough: nobody rounds inputs of layers that have them.
    const isWanted = isDynamic ? isFirst && isQuantizedDType(dtype) : isObserved(dtype) && dtype !== known;
    if (!isWanted) return;
    const another = input.users
      .map((user) => this.#observations.get([input, user]))
      .find(
        (made) =>
          made?.observer.observerClass === observer.observerClass && made.observer.create().dtype === dtype,
      );
    this.#observations.set([input, node], another ?? { observer });
  }

  #observeOutput({ match, qconfig }: Quantized): void {
    const node = match.nodes.at(-1)!;
    const { dtype, isDynamic } = qconfig.activation.create();
    if (isDynamic || !isObserved(dtype) || !tensorMeta(node) || !isReal(node)) return;
    const isReused = qconfig.activation.observerClass === (ReuseInputObserver as ObserverClass);
    const shares = match.observationType === ObservationType.OUTPUT_SHARE_OBSERVER_WITH_INPUT;
    if (!shares && !isReused) {
      this.#observations.set(node, { observer: qconfig.activation });
      return;
    }
    const inputs = firstArgument(node);
    const observation = inputs[0] && this.#found(inputs[0], node)?.observation;
    if (!observation) return;
    // The others exchange their observers for that of the first, each at the place where it stands.
    for (const input of inputs.slice(1)) {
      const place = this.#found(input, node)?.place;
      if (!place) return;
      this.#observations.set(place, observation);
    }
    this.#observations.set(node, observation);
  }

  /** The observer that a tensor goes through before a node reads it, or else the first on the way to where it came from. */
  #found(
    input: Node,
    reader: Node,
  ): { readonly place: EdgeOrNode; readonly observation: Observation } | undefined {
    for (const place of [[input, reader] as const, input]) {
      const observation = this.#observations.get(place);
      if (observation) return { place, observation };
    }
    const next = input.args.find((arg) => arg instanceof Node);
    return next && this.#found(next, input);
  }
}

const isObserved = (dtype: SpecDType): boolean => isQuantizedDType(dtype) || dtype === 'float16';

/** The tensors of the first argument that is one, or a list of them. */
function firstArgument({ args }: Node): readonly Node[] {
  const first = args.find((arg) => arg instanceof Node || isArgumentList(arg));
  if (first instanceof Node) return [first];
  return first !== undefined && isArgumentList(first) ? first.filter((arg) => arg instanceof Node) : [];
}
