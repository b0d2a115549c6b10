import type { GraphModule } from '../graph/index.ts';
import type { Tensor } from '../tensor/index.ts';

/** Beyond that, a step has spoilt a parameter: what is multiplied with it soon leaves float32. */
const largeParameter = 1e18;

/**
 * @param found numbers by what they are; absent ones are not looked at.
 * @throws Error that says which is not finite, and what may have caused it.
 */
export function checkFinite(
  found: Readonly<Record<string, Tensor | undefined>>,
  at: {
    readonly step: number;
    readonly batch: Readonly<Record<string, Tensor>>;
    readonly model: GraphModule;
  },
): void {
  for (const [what, tensor] of Object.entries(found)) {
    const value = Number(tensor?.data[0] ?? 0);
    if (!Number.isFinite(value))
      throw new Error(
        `Trainer.step: the ${what} is ${value} in step ${at.step}; nothing was changed. ${causeOf(at)}`,
      );
  }
}

function causeOf({ batch, model }: Parameters<typeof checkFinite>[1]): string {
  const spoilt = Object.entries(batch).find(([, tensor]) => largest(tensor) === Number.POSITIVE_INFINITY);
  if (spoilt) return `'${spoilt[0]}' holds NaN or infinite numbers`;
  for (const path of model.meta.parameters ?? []) {
    const size = largest(model.attribute(path));
    if (size > largeParameter)
      return `The parameter ${path} has reached ${size}, which a step before has done: go back to a checkpoint, and to a smaller learning rate`;
  }
  return 'A smaller learning rate may help';
}

/** The largest magnitude in a tensor of floats; NaN counts as infinite. */
function largest({ dtype, data }: Tensor): number {
  if (dtype !== 'float32' && dtype !== 'float64') return 0;
  let size = 0;
  for (const value of data as Float32Array) {
    const magnitude = Number.isNaN(value) ? Number.POSITIVE_INFINITY : Math.abs(value);
    if (magnitude > size) size = magnitude;
  }
  return size;
}
