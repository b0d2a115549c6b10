export { bfloat16ToFloat, floatToBfloat16 } from './bfloat16.ts';
export { arrayTypeOf, byteSizeOf, type DType, isDType, isFloatingPoint, type TensorData } from './dtype.ts';
export { type ForeignTensor, numelOf, rowMajorStrides, Tensor } from './tensor.ts';
