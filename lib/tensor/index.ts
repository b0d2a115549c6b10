export { bfloat16ToFloat, floatToBfloat16 } from './bfloat16.ts';
export {
  arrayTypeOf,
  byteSizeOf,
  type DType,
  FLOAT32_EPSILON,
  type IntegerDType,
  type IntegerRange,
  integerRange,
  isDType,
  isFloatingPoint,
  type TensorData,
} from './dtype.ts';
export { saturateToFloat16 } from './float16.ts';
export { roundHalfToEven } from './rounding.ts';
export { type ForeignTensor, isRowMajor, numelOf, rowMajorStrides, sameStrides, Tensor } from './tensor.ts';
