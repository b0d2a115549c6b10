import type { Node, NodeBuilder } from '../graph/index.ts';
import { times } from './optimizer.ts';

/** How gradients are kept small. */
export interface GradientClipping {
  /** The largest norm of all gradients together; larger ones are scaled down to it (`clip_grad_norm_`). */
  readonly clipGradNorm?: number;
  /** The largest magnitude of an element (`clip_grad_value_`). */
  readonly clipGradValue?: number;
}

/** @throws Error for a limit that is not above 0. */
export function checkClipping({ clipGradNorm, clipGradValue }: GradientClipping): void {
  for (const [name, value] of Object.entries({ clipGradNorm, clipGradValue }))
    if (value !== undefined && !(value > 0))
      throw new Error(`training: ${name} must be above 0, got ${value}`);
}

/** As PyTorch adds to the norm, so that no gradient at all is no division by zero. */
const smallestNorm = 1e-6;

/**
 * Adds the limits on gradients: of elements first, then of the norm.
 * @returns the gradients, and their norm before it was limited where there is a limit.
 */
export function clipGradients(
  gradients: readonly Node[],
  { clipGradNorm, clipGradValue }: GradientClipping,
  g: NodeBuilder,
): { readonly clipped: readonly Node[]; readonly norm?: Node } {
  const small =
    clipGradValue === undefined
      ? gradients
      : gradients.map((gradient) => g.call('aten.clamp.default', gradient, -clipGradValue, clipGradValue));
  if (clipGradNorm === undefined) return { clipped: small };
  const squares = small.map((gradient) => g.call('aten.sum.default', times(g, gradient, gradient)));
  const norm = g.call(
    'aten.sqrt.default',
    squares.reduce((a, b) => g.call('aten.add.Tensor', a, b)),
  );
  const factor = g.call(
    'aten.div.Tensor',
    g.call('aten.full_like.default', norm, clipGradNorm),
    g.call('aten.add.Tensor', norm, smallestNorm),
  );
  const atMostOne = g.call('aten.clamp.default', factor, null, 1);
  return { clipped: small.map((gradient) => times(g, gradient, atMostOne)), norm };
}
