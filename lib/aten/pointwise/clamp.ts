import type { Arguments, TensorMeta } from '../../graph/index.ts';
import type { NativeDefinition, OperatorDefinition, Step, TensorLike } from '../registry.ts';
import { resultType } from '../result-type.ts';
import {
  alsoNamed,
  broadcastOperands,
  elementwise,
  type Operand,
  operandOf,
  withInPlaceTwin,
} from './elementwise.ts';

/** The bounds of a call: tensors or numbers, where the call has them. */
interface Bounds<T> {
  readonly low: Operand<T> | null;
  readonly high: Operand<T> | null;
}

type BoundsOf = <T>(args: Arguments<T>) => Bounds<T>;

const given = <T>({ low, high }: Bounds<T>): Operand<T>[] => [low, high].filter((bound) => bound !== null);

/** Keeps values between bounds. */
function clamping(schema: string, boundsOf: BoundsOf, refusesBool = false): NativeDefinition {
  const dtypeOf = <T extends TensorLike | TensorMeta>(args: Arguments<T>) =>
    resultType([args.tensor('self'), ...given(boundsOf(args))], args.schema.name);
  return {
    schema,
    infer: (args) => {
      const bounds = given(boundsOf(args));
      if (bounds.length === 0)
        throw new Error(`${args.schema.name}: at least one of 'min' and 'max' is needed`);
      const dtype = dtypeOf(args);
      if (refusesBool && args.tensor('self').dtype === 'bool')
        throw new Error(`${args.schema.name}: bool cannot be clamped; cast to float32`);
      if (dtype.startsWith('uint') && bounds.some((bound) => typeof bound === 'number' && bound < 0))
        throw new Error(`${args.schema.name}: ${dtype} cannot be clamped to negative numbers`);
      return { dtype, shape: broadcastOperands([args.tensor('self'), ...bounds], args.schema.name) };
    },
    samples: ['self', 'min', 'max'],
    step: <T extends TensorLike>(args: Arguments<T>): Step<T> => {
      const self = args.tensor('self');
      const { low, high } = boundsOf(args);
      const isFast = self.dtype === 'float32' || self.dtype === 'bfloat16';
      if (isFast && typeof (low ?? 0) === 'number' && typeof (high ?? 0) === 'number') {
        const attributes = { algorithm: 'clip', alpha: low ?? -Infinity, beta: high ?? Infinity };
        return { op: 'eltwise', inputs: [self], attributes: attributes as Step['attributes'] };
      }
      const dtype = dtypeOf(args);
      if (low === null) return elementwise('min', dtype, [self, high!]);
      if (high === null) return elementwise('max', dtype, [self, low]);
      return elementwise('clamp', dtype, [self, low, high]);
    },
  };
}

const bound = <T>(args: Arguments<T>, name: string): Operand<T> | null =>
  args.isNone(name) ? null : operandOf(args, name);

const both: BoundsOf = (args) => ({ low: bound(args, 'min'), high: bound(args, 'max') });
const lower: BoundsOf = (args) => ({ low: bound(args, 'min'), high: null });
const upper: BoundsOf = (args) => ({ low: null, high: bound(args, 'max') });

/** Operators that keep values between bounds, which may be tensors. */
export const clampings: readonly OperatorDefinition[] = [
  ...alsoNamed(
    [
      'aten::clamp(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor',
      'aten::clamp.Tensor(Tensor self, Tensor? min=None, Tensor? max=None) -> Tensor',
    ].flatMap((schema) => withInPlaceTwin(clamping(schema, both))),
    'clamp',
    'clip',
  ),
  ...withInPlaceTwin(clamping('aten::clamp_min(Tensor self, Scalar min) -> Tensor', lower)),
  clamping('aten::clamp_min.Tensor(Tensor self, Tensor min) -> Tensor', lower),
  ...withInPlaceTwin(clamping('aten::clamp_max(Tensor self, Scalar max) -> Tensor', upper)),
  clamping('aten::clamp_max.Tensor(Tensor self, Tensor max) -> Tensor', upper),
  ...withInPlaceTwin(
    clamping(
      'aten::hardtanh(Tensor self, Scalar min_val=-1, Scalar max_val=1) -> Tensor',
      (args) => ({ low: args.number('min_val'), high: args.number('max_val') }),
      true,
    ),
  ),
  ...withInPlaceTwin(clamping('aten::relu6(Tensor self) -> Tensor', () => ({ low: 0, high: 6 }), true)),
];
