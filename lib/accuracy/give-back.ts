import { whyNoFastBfloat16 } from '../cpu/fast-bfloat16.ts';
import { computeFeatures } from '../cpu/features.ts';
import { noChoices } from './float-network.ts';
import type { RankedLayers } from './record.ts';
import type { Candidate, Search } from './search.ts';

/**
 * Gives layers back to floating point, the most harmful first, until the target holds or the budget is spent. With none left, it is the
 * model as it was given: scaled weights would round differently.
 */
export async function giveBack(search: Search, ranking: readonly RankedLayers[]): Promise<void> {
  for (const { layers } of ranking) {
    if (search.isReached || search.isSpent) return;
    const { network, choices } = search.current;
    const inFloat = new Set([...choices.inFloat, ...layers]);
    const isLast = network.groups.flat().every((layer) => inFloat.has(layer));
    await search.attempt(
      isLast
        ? { network: search.original, choices: { ...noChoices, inFloat } }
        : { network, choices: { ...choices, inFloat } },
      { technique: 'float', layers, isKept: () => true },
    );
  }
}

/**
 * Quantizes again what need not have been given back: with the more harmful layers in floating point, the target may hold without the
 * others. The last that was given back is left, for before it the target did not hold.
 * @param quantized the candidate with none of them in floating point.
 */
export async function takeBack(
  search: Search,
  ranking: readonly RankedLayers[],
  { network, choices }: Candidate,
): Promise<void> {
  const given = ranking.filter(({ layers }) =>
    layers.every((layer) => search.current.choices.inFloat.has(layer)),
  );
  for (const { layers } of given.slice(0, -1).reverse()) {
    if (search.isSpent) return;
    const inFloat = new Set([...search.current.choices.inFloat].filter((layer) => !layers.includes(layer)));
    await search.attempt(
      { network, choices: { ...choices, inFloat } },
      { technique: 'int8', layers, isKept: (metric) => search.isEnough(metric) },
    );
  }
}

/** The time that bfloat16 has to leave at most to count as faster: less is noise. */
const FASTER = 0.98;

/** Lets what was given back compute in bfloat16, on a CPU that is fast in it, if the target still holds and it is measured to be faster. */
export async function tryBfloat16(search: Search): Promise<void> {
  const { network, choices, relativeTime: before } = search.current;
  if (search.isSpent || choices.inFloat.size === 0 || whyNoFastBfloat16(computeFeatures())) return;
  await search.attempt(
    { network, choices: { ...choices, isBfloat16: true } },
    {
      technique: 'bfloat16',
      layers: [...choices.inFloat],
      isKept: (metric, relativeTime) => search.isEnough(metric) && relativeTime < FASTER * before,
    },
  );
}
