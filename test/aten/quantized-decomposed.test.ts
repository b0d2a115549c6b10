import { describe } from 'vitest';
import { exact, testGoldens } from '../support/aten-goldens.ts';

// The same single-precision operations in the same order as PyTorch's: bit for bit.
describe('quantized_decomposed', () => testGoldens('quantized-decomposed', () => exact));
