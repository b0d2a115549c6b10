import type { OperatorDefinition } from '../registry.ts';
import { grids } from './grids.ts';
import { interpolations } from './interpolation.ts';
import { regions } from './regions.ts';
import { resizes } from './resize.ts';

/** Operators that compute images of another size or along other places. */
export const resamplingFamilies: readonly OperatorDefinition[] = [
  grids,
  interpolations,
  regions,
  resizes,
].flat();
