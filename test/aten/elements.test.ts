import { describe } from 'vitest';
import { testGoldens } from '../support/aten-goldens.ts';

// One rounding, or those of the mathematical functions of either side: a few units in the last place of float32.
const few = () => ({ absolute: 2e-7, relative: 1e-6 });

describe('functions of two tensors, of every dtype', () => testGoldens('binary', few));
describe('functions of a tensor and a number', () => testGoldens('scalar', few));
// Where a function goes through zero its error is relative to the intermediate values, of size 1.
describe('functions of one tensor', () => testGoldens('unary', () => ({ absolute: 1e-6, relative: 4e-6 })));
describe('selections, bounds and sums of products', () => testGoldens('selection', few));
// Sums of some hundred values of size 5, in another order.
describe('reductions, orders and running sums', () =>
  testGoldens('reduced', () => ({ absolute: 2e-6, relative: 4e-6 })));
describe('tensors of one value, and ranges', () => testGoldens('made', few));
