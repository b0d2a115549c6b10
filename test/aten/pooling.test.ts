import { describe } from 'vitest';
import { exact, testGoldens } from '../support/aten-goldens.ts';

// A maximum is one of the inputs. An average of up to 72 values of size 1 is summed in another order.
describe('pooling', () =>
  testGoldens('pooling', (op) => (op.includes('max') ? exact : { absolute: 1e-6, relative: 1e-6 })));
