import { describe } from 'vitest';
import { exact, testGoldens } from './goldens.ts';

// Elements are moved, not computed.
describe('movement', () => testGoldens('movement', () => exact));
