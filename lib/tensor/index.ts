export { bfloat16ToFloat, floatToBfloat16 } from './bfloat16.ts';
export { arrayTypeOf, byteSizeOf, type DType, isDType, isFloatingPoint, type TensorData } from './dtype.ts';
export { readNpy, writeNpy } from './npy.ts';
export { loadNpz, writeNpz } from './npz.ts';
export { openFile, readWhole } from './open-file.ts';
export {
  decodeSafetensorsHeader,
  encodeSafetensors,
  type Safetensors,
  type SafetensorsHeader,
  type StoredEntry,
  safetensorsHeaderBytes,
  safetensorsPrefixBytes,
} from './safetensors.ts';
export { type ForeignTensor, numelOf, rowMajorStrides, Tensor } from './tensor.ts';
