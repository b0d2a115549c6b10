import { describe } from 'vitest';
import { exact, testGoldens } from './goldens.ts';

// Rows are copied.
describe('embedding', () => testGoldens('embedding', () => exact));
