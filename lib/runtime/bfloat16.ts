import { operators } from '../aten/index.ts';
import { whyNoFastBfloat16 } from '../cpu/fast-bfloat16.ts';
import { computeFeatures } from '../cpu/features.ts';
import { type GraphModule, inputsOf, isTensorMeta, propagateShapes } from '../graph/index.ts';

/** Whether an operator of a graph returns bfloat16, that is, `lower` ran with autocast. */
export function computesInBfloat16(module: GraphModule): boolean {
  const metas = propagateShapes(module, inputsOf(module), operators);
  return [...metas.values()].flat().some((meta) => isTensorMeta(meta) && meta.dtype === 'bfloat16');
}

/**
 * Emits a process warning for a model that was made for another CPU: it computes the same numbers here, but slower than
 * intended, and nothing else would show that.
 */
export function warnOfSlowBfloat16(module: GraphModule, path: string): void {
  const reason = whyNoFastBfloat16(computeFeatures());
  if (reason === undefined || !computesInBfloat16(module)) return;
  process.emitWarning(
    `${path} computes in bfloat16, but ${reason}: products are computed in float32 and rounded, which takes longer than ` +
      'float32 alone. Lower the model without autocast for this CPU.',
    'OctavoWarning',
  );
}
