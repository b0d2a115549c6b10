import type { CompiledModel, Dim, ModelShapes } from '../../runtime/index.ts';

/**
 * The shapes of a request for one sample, or for the fewest that the model takes; undefined if requests choose more than the
 * batch, the first extent of the inputs.
 */
export function smallestShapes({
  inputs,
  rangeConstraints,
}: Pick<CompiledModel, 'inputs' | 'rangeConstraints'>): ModelShapes | undefined {
  const batch = inputs.map(({ shape }) => shape[0]).find(isSymbol);
  const min = rangeConstraints.get(String(batch))?.min ?? 1;
  // As in PyTorch a lower bound of 2 or less is not enforced.
  const samples = min > 2 ? min : 1;
  const shapes: Record<string, readonly number[]> = {};
  for (const { name, shape } of inputs) {
    const extents = shape.map((extent, axis) =>
      axis === 0 && String(extent) === String(batch) ? samples : extent,
    );
    if (!extents.every((extent) => typeof extent === 'number')) return undefined;
    shapes[name] = extents;
  }
  return shapes;
}

/** `s0`, but not `2*s0`, which is computed. */
const isSymbol = (extent: Dim | undefined) => typeof extent === 'object' && /^\w+$/.test(String(extent));
