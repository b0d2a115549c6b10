import { describe } from 'vitest';
import { testGoldens } from './goldens.ts';

// Polynomial approximations of exp, erf and tanh: a few units in the last place of float32 on either side, and where
// the function goes through zero that is relative to the intermediate values (of size 1), not to the result. oneDNN's
// logarithm is a table of that precision too, off by up to 4e-6 around 1.
describe('activations', () =>
  testGoldens('activation', (op) => ({ absolute: op.includes('log') ? 1e-5 : 2e-6, relative: 4e-6 })));
