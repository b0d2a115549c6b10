import type { Arguments, TensorMeta } from '../../graph/index.ts';
import type { Attributes } from '../../native/addon-types.ts';
import type { DType } from '../../tensor/index.ts';
import {
  constantValues,
  type NativeDefinition,
  type OperatorDefinition,
  type Step,
  type TensorLike,
} from '../registry.ts';
import { broadcastShapes, promoteTensors, promoteTypes } from '../shape-rules.ts';

interface Operation {
  /** The operation's name in the native step `binary`. */
  readonly algorithm: string;
  /** The same with a number on the right, as the native step `eltwise`; `factor` is the operator's `alpha`. */
  readonly withNumber: (value: number, factor: number) => Attributes;
  /** The same with a number on the left. */
  readonly ofNumber: (value: number, factor: number) => Attributes;
  /** The factor of `other` (PyTorch: `alpha`, with the sign of the operation). */
  readonly hasAlpha: boolean;
  readonly isCommutative: boolean;
}

/** `self * alpha + beta` */
const linear = (alpha: number, beta: number): Attributes => ({ algorithm: 'linear', alpha, beta });

const add: Operation = {
  algorithm: 'add',
  withNumber: (value, factor) => linear(1, value * factor),
  ofNumber: (value, factor) => linear(factor, value),
  hasAlpha: true,
  isCommutative: true,
};
const sub: Operation = {
  algorithm: 'sub',
  withNumber: (value, factor) => linear(1, -value * factor),
  ofNumber: (value, factor) => linear(-factor, value),
  hasAlpha: true,
  isCommutative: false,
};
const mul: Operation = {
  algorithm: 'mul',
  withNumber: (value) => linear(value, 0),
  ofNumber: (value) => linear(value, 0),
  hasAlpha: false,
  isCommutative: true,
};
const div: Operation = {
  algorithm: 'div',
  withNumber: (value) => ({ algorithm: 'divide', alpha: value }),
  ofNumber: (value) => ({ algorithm: 'pow', alpha: value, beta: -1 }),
  hasAlpha: false,
  isCommutative: false,
};

/** `torch.export` writes `x + 1.0` as `add.Tensor(x, 1.0)`: a number where the schema says Tensor. */
function inferBinary(args: Arguments<TensorMeta>): TensorMeta {
  const self = args.tensor('self');
  const { name } = args.schema;
  if (typeof args.raw('other') === 'number')
    return { dtype: promoteTypes(self.dtype, self.dtype, name), shape: self.shape };
  const other = args.tensor('other');
  return {
    dtype: promoteTensors(self, other, name),
    shape: broadcastShapes(self.shape, other.shape, name),
  };
}

/**
 * The number in a constant without dimensions, of a dtype without arithmetic here: float64 from numpy, integers. The
 * other operand keeps its own dtype.
 */
function numberIn(operand: TensorLike): number | undefined {
  if (operand.shape.length > 0 || !operand.data || computed.has(operand.dtype)) return undefined;
  return Number(constantValues(operand, 'the number')[0]);
}

const computed: ReadonlySet<DType> = new Set(['float32', 'bfloat16']);

function binaryStep<T extends TensorLike>(args: Arguments<T>, operation: Operation): Step<T> {
  const alpha = operation.hasAlpha ? args.number('alpha') : 1;
  const self = args.tensor('self');
  const eltwise = (input: T, attributes: Attributes): Step<T> => ({
    op: 'eltwise',
    inputs: [input],
    attributes,
  });
  const given = args.raw('other');
  if (typeof given === 'number') return eltwise(self, operation.withNumber(given, alpha));
  const other = args.tensor('other');
  const [left, right] = [numberIn(self), numberIn(other)];
  if (right !== undefined) return eltwise(self, operation.withNumber(right, alpha));
  if (left !== undefined) return eltwise(other, operation.ofNumber(left, alpha));
  return {
    op: 'binary',
    inputs: [self, other],
    attributes: { algorithm: operation.algorithm, ...(alpha === 1 ? {} : { alpha }) },
  };
}

/** `.Tensor` and `.Scalar`, each with its in-place twin. */
function binary(name: string, operation: Operation): NativeDefinition[] {
  const tensorAlpha = operation.hasAlpha ? ', *, Scalar alpha=1' : '';
  const scalarAlpha = operation.hasAlpha ? ', Scalar alpha=1' : '';
  return [
    `aten::${name}.Tensor(Tensor self, Tensor other${tensorAlpha}) -> Tensor`,
    `aten::${name}_.Tensor(Tensor(a!) self, Tensor other${tensorAlpha}) -> Tensor(a!)`,
    `aten::${name}.Scalar(Tensor self, Scalar other${scalarAlpha}) -> Tensor`,
    `aten::${name}_.Scalar(Tensor(a!) self, Scalar other${scalarAlpha}) -> Tensor(a!)`,
  ].map((schema) => ({
    schema,
    infer: inferBinary,
    samples: ['self', 'other'],
    step: (args) => binaryStep(args, operation),
    ...(operation.isCommutative ? { commutative: true } : {}),
  }));
}

function extremum(name: string, algorithm: string): NativeDefinition {
  return {
    schema: `aten::${name}(Tensor self, Tensor other) -> Tensor`,
    infer: inferBinary,
    samples: ['self', 'other'],
    commutative: true,
    step: (args) => ({
      op: 'binary',
      inputs: [args.tensor('self'), args.tensor('other')],
      attributes: { algorithm },
    }),
  };
}

/** Arithmetic on two tensors, or a tensor and a number, with broadcasting. */
export const arithmetic: readonly OperatorDefinition[] = [
  ...binary('add', add),
  ...binary('sub', sub),
  ...binary('mul', mul),
  ...binary('div', div),
  extremum('maximum', 'max'),
  extremum('minimum', 'min'),
  {
    schema: 'aten::rsub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor',
    infer: inferBinary,
    samples: ['self'],
    step: (args) => ({
      op: 'eltwise',
      inputs: [args.tensor('self')],
      attributes: linear(-args.number('alpha'), args.number('other')),
    }),
  },
];
