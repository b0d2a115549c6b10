import type { Arguments, TensorMeta } from '../../graph/index.ts';
import type { Attributes } from '../../native/addon-types.ts';
import { isFloatingPoint } from '../../tensor/index.ts';
import type { NativeDefinition, OperatorDefinition, TensorLike } from '../registry.ts';
import { floatType } from '../result-type.ts';
import { laneAxes, reducedExtents, reducedShape, samplesKept } from './extents.ts';

/** A reduction of real numbers, with one result or two of the same dtype and shape. */
function ofReals(
  schema: string,
  algorithm: string,
  parameters: <T>(args: Arguments<T>) => Attributes,
  ofIntegers: 'floats' | 'refused' = 'refused',
): NativeDefinition {
  const infer = (args: Arguments<TensorMeta>): TensorMeta => {
    const { name, arguments: all } = args.schema;
    const { dtype, shape } = args.tensor('self');
    const isNamed = all.some((argument) => argument.name === 'dtype') && !args.isNone('dtype');
    const wanted = isNamed ? args.dtype('dtype') : dtype;
    if (!isFloatingPoint(wanted) && ofIntegers === 'refused')
      throw new Error(`${name}: computing on ${wanted} is not supported; cast to float32`);
    return { dtype: floatType(wanted), shape: reducedShape(shape, reducedExtents(args)) };
  };
  return {
    schema,
    infer: (args) => (args.schema.returns === 2 ? [infer(args), infer(args)] : infer(args)),
    samples: samplesKept,
    step: <T extends TensorLike>(args: Arguments<T>) => {
      const self = args.tensor('self');
      const { axes, keepdim } = reducedExtents(args);
      const along = laneAxes({ axes, keepdim }, self.shape.length);
      return {
        op: 'fold',
        inputs: [self],
        attributes: { algorithm, axes: along, keepdim, ...parameters(args) },
      };
    },
  };
}

const unbiased = <T>(args: Arguments<T>): Attributes => ({ correction: args.bool('unbiased') ? 1 : 0 });
const corrected = <T>(args: Arguments<T>): Attributes => ({
  correction: args.optionalNumber('correction') ?? 1,
});

/** Variance or standard deviation; `name_mean` returns the mean besides. */
function spread(name: string): NativeDefinition[] {
  const overloads = (operator: string, result: string) => [
    ofReals(`aten::${operator}(Tensor self, bool unbiased=True) -> ${result}`, name, unbiased),
    ofReals(
      `aten::${operator}.dim(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> ${result}`,
      name,
      unbiased,
    ),
    ofReals(
      `aten::${operator}.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> ${result}`,
      name,
      corrected,
    ),
  ];
  return [...overloads(name, 'Tensor'), ...overloads(`${name}_mean`, '(Tensor, Tensor)')];
}

/** The order of a norm, of which 2 is the default. */
const order =
  (name: string) =>
  <T>(args: Arguments<T>): Attributes => ({ order: args.optionalNumber(name) ?? 2 });

/** Statistics and norms over some extents of a tensor, or all. */
export const spreads: readonly OperatorDefinition[] = [
  ...spread('var'),
  ...spread('std'),
  ofReals(
    'aten::linalg_vector_norm(Tensor self, Scalar ord=2, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor',
    'norm',
    order('ord'),
  ),
  ofReals('aten::norm.Scalar(Tensor self, Scalar p=2) -> Tensor', 'norm', order('p')),
  ofReals(
    'aten::norm.ScalarOpt_dim(Tensor self, Scalar? p, int[1] dim, bool keepdim=False) -> Tensor',
    'norm',
    order('p'),
  ),
  ofReals(
    'aten::norm.ScalarOpt_dim_dtype(Tensor self, Scalar? p, int[1] dim, bool keepdim, *, ScalarType dtype) -> Tensor',
    'norm',
    order('p'),
  ),
  ofReals('aten::frobenius_norm.dim(Tensor self, int[1] dim, bool keepdim=False) -> Tensor', 'norm', () => ({
    order: 2,
  })),
  ofReals(
    'aten::logsumexp(Tensor self, int[1] dim, bool keepdim=False) -> Tensor',
    'logsumexp',
    () => ({}),
    'floats',
  ),
];
