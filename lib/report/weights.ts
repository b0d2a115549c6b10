import type { GraphModule } from '../graph/index.ts';
import { compare } from '../numerics/comparison.ts';
import { extractWeights, type WeightComparison } from '../numerics/index.ts';
import { jsonDecibels } from '../numerics/json-measures.ts';
import { hasWeights } from '../numerics/weights.ts';
import { numelOf, Tensor } from '../tensor/index.ts';
import type { WeightFacts } from './facts.ts';

/** A node's weight, and the module that has it: of merged layers all, with commas between. */
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
  const byNode = new Map<string, WeightComparison[]>();
  for (const layer of extractWeights(reference ?? model, model).values())
    byNode.set(layer.actualNodeName, [...(byNode.get(layer.actualNodeName) ?? []), layer]);
  return new Map([...byNode].map(([name, layers]) => [name, together(layers, reference !== undefined)]));
}

/** What one node reads: the weight of a layer, or those of several that were merged, the rows of one below those of another. */
function together(layers: readonly WeightComparison[], isCompared: boolean): NamedWeight {
  const [ref, actual] = (['ref', 'actual'] as const).map((which) =>
    inRows(layers.map((layer) => layer[which])),
  );
  const { sqnr } = layers.length === 1 ? layers[0] : compare(actual, ref, 'collectReport');
  return {
    modulePath: layers.flatMap(({ modulePath }) => modulePath || []).join(', '),
    facts: { ...rangesOf(ref), ...(isCompared ? { sqnr: jsonDecibels(sqnr) } : {}) },
  };
}

function inRows(tensors: readonly Tensor[]): Tensor {
  if (tensors.length === 1) return tensors[0];
  const [{ shape }] = tensors;
  const rows = tensors.reduce((sum, tensor) => sum + tensor.shape[0], 0);
  const all = Tensor.zeros('float32', [rows, ...shape.slice(1)]);
  let at = 0;
  for (const { data, numel } of tensors) {
    (all.data as Float32Array).set(data as Float32Array, at);
    at += numel;
  }
  return all;
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
