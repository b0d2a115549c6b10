import type { Arguments, TensorMeta } from '../../graph/index.ts';
import { type DType, isFloatingPoint } from '../../tensor/index.ts';
import type { NativeDefinition, OperatorDefinition, Step, TensorLike } from '../registry.ts';
import { laneAxes, reducedExtents, reducedShape, samplesKept } from './extents.ts';

/** The dtype of the result, for that of the tensor. */
type TypeRule = (dtype: DType, operator: string) => DType;

const same: TypeRule = (dtype) => dtype;
/** Integers are summed as int64. */
const sumType: TypeRule = (dtype) => (isFloatingPoint(dtype) ? dtype : 'int64');
/** PyTorch keeps uint8, its older truth values. */
const truthType: TypeRule = (dtype) => (dtype === 'uint8' ? dtype : 'bool');
const countType: TypeRule = () => 'int64';

/** @throws Error for integers, of which PyTorch computes no mean. */
const meanType: TypeRule = (dtype, operator) => {
  if (isFloatingPoint(dtype)) return dtype;
  throw new Error(`${operator}: reducing ${dtype} to ${dtype} is not supported; cast to float32`);
};

/** The dtypes of the fast loops' results, and of the tensors that they read. */
const computed: readonly DType[] = ['float32', 'bfloat16'];
const readAsFloat: readonly DType[] = [...computed, 'uint8', 'int8', 'uint16', 'int16', 'int32'];

/** The algorithms that the native step `reduce` has; `fold` has them too, for all dtypes. */
const fast: readonly string[] = ['mean', 'sum', 'max', 'min'];

function reduction(schema: string, algorithm: string, type: TypeRule): NativeDefinition {
  const dtypeOf = <T extends TensorLike | TensorMeta>(args: Arguments<T>): DType => {
    const hasDtype = args.schema.arguments.some((argument) => argument.name === 'dtype');
    const { dtype } = args.tensor('self');
    if (!hasDtype || args.isNone('dtype')) return type(dtype, args.schema.name);
    return algorithm === 'mean' ? type(args.dtype('dtype'), args.schema.name) : args.dtype('dtype');
  };
  return {
    schema,
    infer: (args) => ({
      dtype: dtypeOf(args),
      shape: reducedShape(args.tensor('self').shape, reducedExtents(args)),
    }),
    samples: samplesKept,
    step: <T extends TensorLike>(args: Arguments<T>): Step<T> => {
      const self = args.tensor('self');
      const extents = reducedExtents(args);
      const isFast =
        fast.includes(algorithm) && computed.includes(dtypeOf(args)) && readAsFloat.includes(self.dtype);
      return {
        op: isFast ? 'reduce' : 'fold',
        inputs: [self],
        attributes: { algorithm, axes: laneAxes(extents, self.shape.length), keepdim: extents.keepdim },
      };
    },
  };
}

/** The overloads without `dim` and with one: `any(self)`, `any.dim(self, dim)`. */
const truth = (name: string): NativeDefinition[] => [
  reduction(`aten::${name}(Tensor self) -> Tensor`, name, truthType),
  reduction(`aten::${name}.dim(Tensor self, int dim, bool keepdim=False) -> Tensor`, name, truthType),
  reduction(
    `aten::${name}.dims(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor`,
    name,
    truthType,
  ),
];

/** Reductions over some extents of a tensor, or all. */
export const reductions: readonly OperatorDefinition[] = [
  reduction('aten::mean(Tensor self, *, ScalarType? dtype=None) -> Tensor', 'mean', meanType),
  reduction(
    'aten::mean.dim(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor',
    'mean',
    meanType,
  ),
  reduction('aten::sum(Tensor self, *, ScalarType? dtype=None) -> Tensor', 'sum', sumType),
  reduction(
    'aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor',
    'sum',
    sumType,
  ),
  reduction('aten::prod(Tensor self, *, ScalarType? dtype=None) -> Tensor', 'prod', sumType),
  reduction(
    'aten::prod.dim_int(Tensor self, int dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor',
    'prod',
    sumType,
  ),
  reduction('aten::amax(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor', 'max', same),
  reduction('aten::amin(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor', 'min', same),
  reduction('aten::max(Tensor self) -> Tensor', 'max', same),
  reduction('aten::min(Tensor self) -> Tensor', 'min', same),
  ...truth('any'),
  ...truth('all'),
  reduction('aten::count_nonzero(Tensor self, int? dim=None) -> Tensor', 'count_nonzero', countType),
  reduction('aten::count_nonzero.dim_IntList(Tensor self, int[] dim) -> Tensor', 'count_nonzero', countType),
];
