import { describe } from 'vitest';
import { exact, testGoldens } from '../support/aten-goldens.ts';

// Up to 2,100 values of size 1, summed in another order; an extremum is one of the inputs.
describe('reductions', () =>
  testGoldens('reduction', (op) =>
    op.includes('amax') || op.includes('amin') ? exact : { absolute: 1e-6, relative: 2e-6 },
  ));
