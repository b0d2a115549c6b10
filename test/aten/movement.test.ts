import { describe } from 'vitest';
import { exact, testGoldens } from '../support/aten-goldens.ts';

// Elements are moved, not computed.
describe('movement', () => testGoldens('movement', () => exact));
