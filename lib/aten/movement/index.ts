import type { OperatorDefinition } from '../registry.ts';
import { copiesOf } from './copies.ts';
import { expansions } from './expansion.ts';
import { folding } from './folding.ts';
import { indexing } from './indexing.ts';
import { matrices } from './matrices.ts';
import { movement } from './movement.ts';
import { paddings } from './padding.ts';
import { partialWrites } from './partial-writes.ts';
import { parts } from './parts.ts';
import { permutations } from './permutation.ts';
import { picks } from './picks.ts';
import { ranges } from './ranges.ts';
import { scattering } from './scattering.ts';
import { sizes } from './sizes.ts';
import { views } from './view.ts';
import { windows } from './windows.ts';

const alike = [views, permutations, parts, ranges, expansions, windows].flat();

/** Operators that move elements and compute nothing, and those of sizes. */
export const movementFamilies: readonly OperatorDefinition[] = [
  alike,
  copiesOf(alike),
  folding,
  indexing,
  matrices,
  movement,
  paddings,
  partialWrites,
  picks,
  scattering,
  sizes,
].flat();

export { castOperators } from './movement.ts';
