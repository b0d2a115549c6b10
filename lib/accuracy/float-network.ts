import { DisjointSet, type GraphModule, type ModelInputs, Node } from '../graph/index.ts';
import { generateNumericDebugHandle } from '../numerics/index.ts';
import {
  calibrate,
  convertPt2e,
  type EdgeOrNode,
  type ObserverOrFakeQuantize,
  preparePt2e,
} from '../quantization/index.ts';
import { foldBatchNorms } from '../quantization/prepare/fold-batch-norm.ts';
import { passThroughOperators, recipeOperator } from '../quantization/x86/operators.ts';
import { type RecipeOptions, staticQuantizer } from '../recipes/index.ts';
import { GraphEditor } from '../transforms/editor.ts';
import { applyCorrections, type BiasCorrections } from './bias-correction.ts';
import { ChosenQuantizer, type ObservedPlaces } from './chosen-quantizer.ts';
import { choosesRange, type RangeRule, rangeRules, withRule } from './range-observers.ts';

/** How a network is quantized, where that differs from the recipe. Layers are named by their nodes. */
export interface Choices {
  readonly inFloat: ReadonlySet<string>;
  /** Of what layers read. */
  readonly ranges: ReadonlyMap<string, RangeRule>;
  /** Layers whose weights are clipped to the range with the least squared error. */
  readonly clippedWeights: ReadonlySet<string>;
  readonly corrections: BiasCorrections;
  readonly isBfloat16: boolean;
}

/** The recipe as it is. */
export const noChoices: Choices = {
  inFloat: new Set(),
  ranges: new Map(),
  clippedWeights: new Set(),
  corrections: new Map(),
  isBfloat16: false,
};

type Rules = ReadonlyMap<RangeRule | 'recipe', ObserverOrFakeQuantize>;

/**
 * A float model that is quantized in many ways. Each tensor is observed once for each rule, however many models are made.
 */
export class FloatNetwork {
  /** With batch norms folded, and a numeric debug handle for every operator. */
  readonly module: GraphModule;
  /** Names of layers and products that share quantization parameters, in the order of the graph: only together can they go back to float. */
  readonly groups: readonly (readonly string[])[];
  readonly #recipe: RecipeOptions;
  readonly #batches: readonly ModelInputs[];
  readonly #signal: AbortSignal | undefined;
  /** By where a tensor is read and the dtype and scheme that it is observed for. */
  readonly #observed = new Map<string, Map<RangeRule | 'recipe', ObserverOrFakeQuantize>>();

  constructor(
    module: GraphModule,
    recipe: RecipeOptions,
    batches: readonly ModelInputs[],
    signal: AbortSignal | undefined,
  ) {
    this.module = module.clone();
    foldBatchNorms(new GraphEditor(this.module), recipe.recipe);
    generateNumericDebugHandle(this.module);
    this.#recipe = recipe;
    this.#batches = batches;
    this.#signal = signal;
    this.groups = this.#findGroups();
  }

  /** The graph with quantize and dequantize nodes that the choices lead to. */
  async convert(choices: Choices): Promise<GraphModule> {
    const used = new Map<ObserverOrFakeQuantize, Rules>();
    const quantizer = new ChosenQuantizer(
      staticQuantizer(this.module, this.#recipe),
      choices.inFloat,
      (observed, observer) => this.#choose(observed, observer, choices, used),
    );
    const prepared = preparePt2e(this.module, quantizer);
    await this.#observe(prepared, used);
    const converted = convertPt2e(prepared);
    applyCorrections(
      converted,
      new Map([...choices.corrections].filter(([layer]) => !choices.inFloat.has(layer))),
    );
    return converted;
  }

  #choose(
    { places, isConstant }: ObservedPlaces,
    observer: ObserverOrFakeQuantize,
    { ranges, clippedWeights }: Choices,
    used: Map<ObserverOrFakeQuantize, Rules>,
  ): ObserverOrFakeQuantize {
    const readers = readersOf(places);
    if (isConstant)
      return choosesRange(observer) && readers.some((reader) => clippedWeights.has(reader))
        ? withRule(observer, 'mse')
        : observer;
    const key = keyOf(places, observer);
    const rules = this.#observed.get(key) ?? new Map([['recipe', observer]]);
    this.#observed.set(key, rules);
    // All rules at once: each pass over the batches costs more than the observers.
    if (ranges.size > 0 && choosesRange(observer))
      for (const rule of rangeRules) if (!rules.has(rule)) rules.set(rule, withRule(observer, rule));
    const rule = readers.map((reader) => ranges.get(reader)).find((each) => each !== undefined);
    const chosen = rules.get(rule ?? 'recipe') ?? rules.get('recipe')!;
    used.set(chosen, rules);
    return chosen;
  }

  /** Shows the batches to the observers that have not seen them. */
  async #observe(prepared: GraphModule, used: ReadonlyMap<ObserverOrFakeQuantize, Rules>): Promise<void> {
    const observing = prepared.clone();
    let isMissing = false;
    for (const [name, module] of prepared.modules) {
      const rules = used.get(module as ObserverOrFakeQuantize)?.values() ?? [];
      const missing = [...rules].filter(({ hasObserved }) => !hasObserved);
      isMissing ||= missing.length > 0;
      observing.modules.set(name, {
        forward: (input) => {
          for (const observer of missing) observer.forward(input);
          return input;
        },
      });
    }
    if (!isMissing) return;
    await calibrate(observing, this.#batches, this.#signal ? { signal: this.#signal } : {});
  }

  #findGroups(): readonly (readonly string[])[] {
    const sets = new Map<string, DisjointSet>();
    const setOf = (name: string) => sets.get(name) ?? sets.set(name, new DisjointSet()).get(name)!;
    const quantizer = new ChosenQuantizer(
      staticQuantizer(this.module, this.#recipe),
      new Set(),
      ({ places, isConstant }, observer) => {
        const [first, ...others] = isConstant ? [] : places.flatMap(unitsAt);
        if (first !== undefined) setOf(first);
        for (const other of others) setOf(other).join(setOf(first));
        return observer;
      },
    );
    const { graph } = preparePt2e(this.module, quantizer);
    const groups = new Map<DisjointSet, string[]>();
    for (const { name } of graph.nodes) {
      const root = sets.get(name)?.root;
      if (root) groups.set(root, [...(groups.get(root) ?? []), name]);
    }
    return [...groups.values()];
  }
}

const readersOf = (places: readonly EdgeOrNode[]): readonly string[] =>
  places.flatMap((place) => (place instanceof Node ? [] : [place[1].name]));

/** What reads a place and is quantized for its own sake; what passes integers on follows its neighbours. */
function unitsAt(place: EdgeOrNode): readonly string[] {
  if (place instanceof Node) return [];
  const operator = recipeOperator(place[1]);
  return operator && !passThroughOperators.includes(operator) ? [place[1].name] : [];
}

/** With the readers: an override of one of them is another observer of the same tensor. */
function keyOf(places: readonly EdgeOrNode[], observer: ObserverOrFakeQuantize): string {
  const names = places.map((place) =>
    (place instanceof Node ? [place] : place).map(({ name }) => name).join('>'),
  );
  const { dtype, qscheme, quantMin, quantMax } = observer;
  return JSON.stringify([names.sort(), dtype, qscheme, quantMin, quantMax]);
}
