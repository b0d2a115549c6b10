import { describe, expect, it } from 'vitest';
import {
  CONVERT_ELEMENT_TYPE,
  castOperators,
  chooseQparamsOperators,
  dequantizeOperators,
  isQuantizedDecomposed,
  operators,
  quantizeOperators,
} from '../../lib/aten/index.ts';
import { exact, testGoldens } from '../support/aten-goldens.ts';

// The same single-precision operations in the same order as PyTorch's: bit for bit.
describe('quantized_decomposed', () => testGoldens('quantized-decomposed', () => exact));

it('the names that other rooms know operators by are those of the registry', () => {
  const ofLibrary = [
    ...quantizeOperators,
    ...dequantizeOperators,
    ...chooseQparamsOperators,
    CONVERT_ELEMENT_TYPE,
  ];
  expect([...ofLibrary, ...castOperators].filter((name) => !operators.has(name))).toEqual([]);
  expect(ofLibrary.filter((name) => !isQuantizedDecomposed(name))).toEqual([]);
});
