import { describe } from 'vitest';
import { exact, testGoldens } from '../../support/aten-goldens.ts';

// Elements are moved; sums and means of three of them are rounded as PyTorch rounds them, or by a unit in the last place.
describe('indexing', () => testGoldens('indexing', () => ({ absolute: 2e-7, relative: 2e-7 })));
describe('reordering', () => testGoldens('reordering', () => exact));
