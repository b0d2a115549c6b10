import { describe } from 'vitest';
import { testGoldens } from './goldens.ts';

// One rounding; with a factor the product may be fused into the sum, which leaves out one of two roundings.
describe('arithmetic', () => testGoldens('arithmetic', () => ({ absolute: 3e-7, relative: 2e-7 })));
