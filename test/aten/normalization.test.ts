import { describe } from 'vitest';
import { testGoldens } from '../support/aten-goldens.ts';

// Mean and scale are folded into one multiplication and one addition, each rounding at the size of the terms (up to 30);
// rows of 257 values are summed in another order.
describe('normalization', () => testGoldens('normalization', () => ({ absolute: 1e-5, relative: 1e-5 })));
