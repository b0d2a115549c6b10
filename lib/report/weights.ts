import type { GraphModule } from '../graph/index.ts';
import { extractWeights } from '../numerics/index.ts';
import { hasWeights } from '../numerics/weights.ts';
import { numelOf, type Tensor } from '../tensor/index.ts';
import type { WeightFacts } from './facts.ts';
import { finiteOrNull } from './measures.ts';

/** A layer's weight, and the module that has it. */
export interface NamedWeight {
  readonly modulePath: string;
  readonly facts: WeightFacts;
}

/** The weights of a lowered model, by the name of the node that reads them. */
export function weightsOf(
  model: GraphModule,
  reference: GraphModule | undefined,
): ReadonlyMap<string, NamedWeight> {
  if (!hasWeights(model)) return new Map();
  const weights = [...extractWeights(reference ?? model, model).values()];
  return new Map(
    weights.map(({ actualNodeName, modulePath, ref, sqnr }) => [
      actualNodeName,
      {
        modulePath,
        facts: { ...rangesOf(ref), ...(reference ? { sqnr: finiteOrNull(sqnr) } : {}) },
      },
    ]),
  );
}

/** The extremes of each row along the first axis. */
function rangesOf({ data, shape }: Tensor): Pick<WeightFacts, 'shape' | 'min' | 'max'> {
  const values = data as Float32Array;
  const size = numelOf(shape.slice(1));
  const extremes = Array.from({ length: shape[0] }, (_, channel) =>
    values
      .subarray(channel * size, (channel + 1) * size)
      .reduce(({ min, max }, value) => ({ min: Math.min(min, value), max: Math.max(max, value) }), {
        min: Number.POSITIVE_INFINITY,
        max: Number.NEGATIVE_INFINITY,
      }),
  );
  return { shape, min: extremes.map(({ min }) => min), max: extremes.map(({ max }) => max) };
}
