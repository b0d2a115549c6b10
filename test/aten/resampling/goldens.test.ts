import { describe } from 'vitest';
import { testGoldens } from '../../support/aten-goldens.ts';

// Values of size 3 times weights that follow from places of up to 20 positions, which single precision rounds by 1e-6,
// in another order: what reads a wrong position is off by more than 1e-2.
describe('resampling', () => testGoldens('resampling', () => ({ absolute: 1e-5, relative: 1e-5 })));
