import { type DType, isFloatingPoint } from '../../../tensor/index.ts';

/** Operator sets that are written. */
export type OnnxOpset = 13 | 21;

const floats: readonly DType[] = ['float32', 'float64'];
const wide: readonly DType[] = [...floats, 'int32', 'int64'];
const withBytes: readonly DType[] = [...wide, 'int8', 'uint8'];
const numbers: readonly DType[] = [...withBytes, 'int16', 'uint16'];
const signed: readonly DType[] = [...wide, 'int8', 'int16'];
const integers: readonly DType[] = ['int32', 'int64', 'int8', 'uint8', 'int16', 'uint16'];

/** What an operator accepts in an operator set. */
type Accepted = (opset: OnnxOpset) => readonly DType[];

const always =
  (dtypes: readonly DType[]): Accepted =>
  () =>
    dtypes;

/** Since operator set 14 arithmetic is of 8 and 16 bits too. */
const arithmetic: Accepted = (opset) => (opset < 14 ? wide : numbers);

/** What operators accept besides float32 and float64. */
const accepted: Readonly<Record<string, Accepted>> = {
  Add: arithmetic,
  Sub: arithmetic,
  Mul: arithmetic,
  Div: arithmetic,
  Pow: always(wide),
  Mod: always(numbers),
  Max: always(numbers),
  Min: always(numbers),
  Neg: always(signed),
  Abs: always(numbers),
  Sign: always(numbers),
  Clip: always(numbers),
  Relu: (opset) => (opset < 14 ? floats : signed),
  Celu: always(['float32']),
  Equal: always([...numbers, 'bool']),
  Where: always([...numbers, 'bool']),
  Less: always(numbers),
  LessOrEqual: always(numbers),
  Greater: always(numbers),
  GreaterOrEqual: always(numbers),
  MatMul: always(wide),
  Gemm: always(wide),
  MaxPool: always([...floats, 'int8', 'uint8']),
  ReduceSum: always(wide),
  ReduceMean: always(wide),
  ReduceProd: always(wide),
  ReduceMax: always(withBytes),
  ReduceMin: always(withBytes),
  ReduceSumSquare: always(wide),
  ArgMax: always(numbers),
  ArgMin: always(numbers),
  CumSum: always(wide),
  TopK: always(numbers),
  BitwiseAnd: always(integers),
  BitwiseOr: always(integers),
  BitwiseXor: always(integers),
  BitwiseNot: always(integers),
};

/**
 * The dtype in which an ONNX operator computes what PyTorch computes in `dtype`: the same one where the operator accepts it;
 * else a wider one, between casts. 16-bit floats are computed in float32, as PyTorch and Octavo do on CPUs: few operators
 * accept them in operator set 13, and ONNX Runtime has kernels for fewer.
 */
export function computedIn(opType: string, dtype: DType, opset: OnnxOpset): DType {
  const own = accepted[opType]?.(opset) ?? floats;
  if (own.includes(dtype)) return dtype;
  if (isFloatingPoint(dtype) || !own.includes('int32')) return 'float32';
  return dtype === 'int64' ? 'int64' : 'int32';
}
