import { describe } from 'vitest';
import { testGoldens } from '../support/aten-goldens.ts';

// Two products of up to 33 terms of size 1, summed in another order, and an exponential between them.
describe('attention', () => testGoldens('attention', () => ({ absolute: 2e-6, relative: 1e-5 })));
