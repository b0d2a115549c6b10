import type { DType } from '../../tensor/index.ts';

/** `onnx.TensorProto.DataType` of each dtype. */
export const onnxDataTypes: Readonly<Record<DType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  bfloat16: 16,
};

const dtypes: ReadonlyMap<number, DType> = new Map(
  Object.entries(onnxDataTypes).map(([dtype, code]) => [code, dtype as DType]),
);

/** The dtype of a number of `onnx.TensorProto.DataType`; undefined where Octavo has none. */
export const dtypeOfOnnx = (code: number): DType | undefined => dtypes.get(code);

/** `onnx.TensorProto.DataType` that no dtype of Octavo is, by their names in ONNX. */
const otherNames: Readonly<Record<number, string>> = {
  0: 'undefined',
  8: 'string',
  12: 'uint32',
  13: 'uint64',
  14: 'complex64',
  15: 'complex128',
  17: 'float8e4m3fn',
  18: 'float8e4m3fnuz',
  19: 'float8e5m2',
  20: 'float8e5m2fnuz',
  21: 'uint4',
  22: 'int4',
  23: 'float4e2m1',
  24: 'float8e8m0',
  25: 'uint2',
  26: 'int2',
};

/** The name of an element type, for messages. */
export const onnxTypeName = (code: number): string =>
  dtypes.get(code) ?? otherNames[code] ?? `element type ${code}`;
