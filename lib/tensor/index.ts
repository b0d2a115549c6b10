export { bfloat16ToFloat, floatToBfloat16 } from './bfloat16.ts';
export { arrayTypeOf, byteSizeOf, type DType, isDType, isFloatingPoint, type TensorData } from './dtype.ts';
export { readNpy, writeNpy } from './npy.ts';
export { loadNpz, writeNpz } from './npz.ts';
export { decodeSafetensors, encodeSafetensors, type Safetensors } from './safetensors.ts';
export { type ForeignTensor, numelOf, rowMajorStrides, Tensor } from './tensor.ts';
