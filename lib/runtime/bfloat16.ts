import { operators } from '../aten/index.ts';
import { whyNoFastBfloat16 } from '../cpu/fast-bfloat16.ts';
import { computeFeatures } from '../cpu/features.ts';
import { type GraphModule, isTensorMeta, propagateShapes } from '../graph/index.ts';
import { inputsOf } from './signature.ts';

/** Whether some operator of a graph gives bfloat16: `lower` was asked to autocast. */
export function computesInBfloat16(module: GraphModule): boolean {
  const metas = propagateShapes(module, inputsOf(module), operators);
  return [...metas.values()].flat().some((meta) => isTensorMeta(meta) && meta.dtype === 'bfloat16');
}

/**
 * A model that was made for another CPU computes the same here, but not as fast as it was meant to be: that is said with a
 * process warning, as nothing else would show it.
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
