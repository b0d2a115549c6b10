import type { GraphModule } from '../graph/index.ts';
import { layerPairs } from '../quantization/equalization/pairs.ts';
import { crossLayerEqualization } from '../quantization/index.ts';
import { smoothingGroups } from '../quantization/smooth-quant/groups.ts';
import { smoothGroups, usualAlpha } from '../quantization/smooth-quant/smooth-quant.ts';
import type { RecipeOptions } from '../recipes/index.ts';
import { GraphEditor } from '../transforms/editor.ts';
import { biasCorrection, correctableLayers } from './bias-correction.ts';
import { type Choices, FloatNetwork, noChoices } from './float-network.ts';
import { rangeRules } from './range-observers.ts';
import { groupsByOwnError } from './ranking.ts';
import type { Attempt, Search } from './search.ts';

/** The output error that a technique has to leave at most to count as better: less is how calibration data differ. */
const BETTER = 0.98;

/** Layers whose ranges are chosen one by one: errors of others hardly reach the output. */
const WORST_LAYERS = 6;

/** Kept if it helps: on the calibration data, and then by the metric; by that alone where the former show no error, as of classes. */
const ifBetter = (search: Search): Pick<Attempt, 'isWorthEvaluating' | 'isKept'> => {
  const { outputError, metric: before } = search.current;
  return {
    isWorthEvaluating: (error) => outputError === 0 || error < BETTER * outputError,
    isKept: (metric) => (outputError === 0 ? metric > before : metric >= before),
  };
};

/**
 * Tries what wins accuracy without costing speed, until the target holds or the budget is spent: first what changes the float model,
 * then ranges of the worst layers, then means.
 */
export async function tryTechniques(search: Search, recipe: RecipeOptions): Promise<void> {
  const steps = [tryEqualization, trySmoothQuant, tryWeightRanges, tryActivationRanges, tryBiasCorrection];
  for (const step of steps) {
    if (search.isReached || search.isSpent) return;
    await step(search, recipe);
  }
}

async function tryEqualization(search: Search, recipe: RecipeOptions): Promise<void> {
  const { module } = search.current.network;
  const editor = new GraphEditor(module);
  if (layerPairs(editor).length === 0) return;
  const equalized = crossLayerEqualization(module);
  const layers = new Set(equalized.equalizations.flatMap((each) => each.layers));
  await tryNetwork(search, recipe, equalized.module, 'equalization', [...layers]);
}

/** Behind norms alone: where factors would be multiplied when the model runs, they would cost what the technique is to spare. */
async function trySmoothQuant(search: Search, recipe: RecipeOptions): Promise<void> {
  const module = search.current.network.module.clone();
  const groups = smoothingGroups(module).filter(({ isAbsorbing }) => isAbsorbing);
  if (groups.length === 0) return;
  const { batches, signal } = search;
  const { smoothings } = await smoothGroups(module, groups, usualAlpha, batches, signal ? { signal } : {});
  const layers = smoothings.flatMap((each) => each.layers);
  await tryNetwork(search, recipe, module, 'smooth-quant', layers);
}

async function tryNetwork(
  search: Search,
  recipe: RecipeOptions,
  module: GraphModule,
  technique: Attempt['technique'],
  layers: readonly string[],
): Promise<void> {
  // Nothing was chosen before: what changes the float model is tried first.
  const network = new FloatNetwork(module, recipe, search.batches, search.signal);
  await search.attempt({ network, choices: noChoices }, { technique, layers, ...ifBetter(search) });
}

async function tryWeightRanges(search: Search): Promise<void> {
  const { network, choices } = search.current;
  const all = network.groups.flat();
  await search.attempt(
    { network, choices: { ...choices, clippedWeights: new Set(all) } },
    { technique: 'weight-range', ...ifBetter(search) },
  );
}

/** For each of the worst layers every rule is compared on the calibration data, and the best is evaluated. */
async function tryActivationRanges(search: Search): Promise<void> {
  const worst = await groupsByOwnError(search);
  for (const { layers } of worst.slice(0, WORST_LAYERS)) {
    if (search.isReached || search.isSpent) return;
    const { network, choices } = search.current;
    const candidates = rangeRules.map((rule) => {
      const ranges = new Map([...choices.ranges, ...layers.map((layer) => [layer, rule] as const)]);
      return { rule, candidate: { network, choices: { ...choices, ranges } satisfies Choices } };
    });
    const errors: number[] = [];
    for (const { candidate } of candidates) {
      if (search.isSpent) return;
      errors.push(await search.outputErrorOf(candidate));
    }
    const { rule, candidate } = candidates[errors.indexOf(Math.min(...errors))];
    await search.attempt(candidate, {
      technique: 'activation-range',
      layers,
      detail: rule,
      ...ifBetter(search),
    });
  }
}

async function tryBiasCorrection(search: Search): Promise<void> {
  const { network, choices } = search.current;
  const { signal } = search;
  const converted = await network.convert(choices);
  // Products of activations have no bias.
  if (correctableLayers(converted).length === 0) return;
  const { corrections } = await biasCorrection(
    network.module,
    converted,
    search.batches,
    signal ? { signal } : {},
  );
  await search.attempt(
    { network, choices: { ...choices, corrections } },
    { technique: 'bias-correction', ...ifBetter(search) },
  );
}
