import { compareModelShadows } from '../numerics/index.ts';
import type { RankedLayers } from './record.ts';
import type { Search } from './search.ts';

/** Groups of layers whose harm is confirmed by a model without it; those whose own error is less follow by that. */
const CONFIRMED = 16;

/**
 * The groups of layers that are quantized, by what each does to a value alone, the worst first: cheap, since all are measured in
 * one native plan.
 */
export async function groupsByOwnError({ current, batches, signal }: Search): Promise<RankedLayers[]> {
  const { network, choices } = current;
  const shadows = await compareModelShadows(
    network.module,
    await network.convert(choices),
    batches,
    signal ? { signal } : {},
  );
  const errors = new Map([...shadows.values()].map((each) => [each.refNodeName, each.relativeError]));
  return network.groups
    .filter((layers) => layers.some((layer) => !choices.inFloat.has(layer)))
    .map((layers) => ({
      layers,
      ownError: Math.max(...layers.map((layer) => errors.get(layer) ?? 0)),
      outputErrorWithout: null,
    }))
    .sort((a, b) => b.ownError - a.ownError);
}

/**
 * The groups by the harm that they do to the outputs, the worst first. An error of its own may die out on its way, or a small one
 * grow, so for the worst ones a model is made in which they are in floating point.
 */
export async function rankGroups(search: Search): Promise<readonly RankedLayers[]> {
  const groups = await groupsByOwnError(search);
  const { network, choices } = search.current;
  const confirmed: (RankedLayers & { readonly outputErrorWithout: number })[] = [];
  for (const group of groups.slice(0, CONFIRMED)) {
    if (search.isSpent) break;
    const inFloat = new Set([...choices.inFloat, ...group.layers]);
    const outputErrorWithout = await search.outputErrorOf({ network, choices: { ...choices, inFloat } });
    confirmed.push({ ...group, outputErrorWithout });
  }
  confirmed.sort((a, b) => a.outputErrorWithout - b.outputErrorWithout);
  return [...confirmed, ...groups.slice(confirmed.length)];
}
