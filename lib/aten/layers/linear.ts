import { type Arguments, type Dim, dimsEqual, type TensorMeta } from '../../graph/index.ts';
import type { NativeDefinition, OperatorDefinition, Step, TensorLike } from '../registry.ts';
import { computedDtype } from '../shape-rules.ts';

/**
 * Shape of `input @ weight.T`: the last extent of `input` becomes the number of `weight`'s rows.
 * @throws Error when the weight is not a matrix, or its columns do not fit.
 */
export function linearShape(input: readonly Dim[], weight: readonly Dim[]): Dim[] {
  const last = input.at(-1);
  if (weight.length !== 2) throw new Error(`weight [${weight.join(', ')}] must be a matrix`);
  if (last === undefined || !dimsEqual(last, weight[1]))
    throw new Error(`input [${input.join(', ')}] must end in ${weight[1]}, weight's number of columns`);
  return [...input.slice(0, -1), weight[0]];
}

/**
 * Shape of `a @ b` with broadcast batch dimensions (`torch.matmul`): a vector is a row on the left and a column on the
 * right, and leaves no dimension.
 * @throws Error when inner or batch extents do not fit.
 */
export function matmulShape(a: readonly Dim[], b: readonly Dim[]): Dim[] {
  const fail = () => new Error(`[${a.join(', ')}] and [${b.join(', ')}] cannot be multiplied`);
  if (a.length === 0 || b.length === 0) throw fail();
  if (!dimsEqual(a.at(-1)!, b.length === 1 ? b[0] : b.at(-2)!)) throw fail();
  const [left, right] = [a.slice(0, -2), b.slice(0, -2)];
  const rank = Math.max(left.length, right.length);
  const batch = Array.from({ length: rank }, (_, i) => {
    const m = left[i - rank + left.length] ?? 1;
    const n = right[i - rank + right.length] ?? 1;
    if (m !== 1 && n !== 1 && !dimsEqual(m, n)) throw fail();
    return m === 1 ? n : m;
  });
  return [...batch, ...(a.length > 1 ? [a.at(-2)!] : []), ...(b.length > 1 ? [b.at(-1)!] : [])];
}

/** A product of the two named arguments, of the ranks that PyTorch's operator accepts. */
function product(first: string, second: string, rank?: number) {
  return {
    infer: (args: Arguments<TensorMeta>): TensorMeta => {
      const [a, b] = [args.tensor(first), args.tensor(second)];
      if (rank !== undefined && (a.shape.length !== rank || b.shape.length !== rank))
        throw new Error(
          `both tensors must have ${rank} dimensions, got [${a.shape.join(', ')}] and [${b.shape.join(', ')}]`,
        );
      return { dtype: computedDtype(a.dtype, args.schema.name), shape: matmulShape(a.shape, b.shape) };
    },
    samples: [first, second],
    step: <T extends TensorLike>(args: Arguments<T>): Step<T> => ({
      op: 'matmul',
      inputs: [args.tensor(first), args.tensor(second)],
      attributes: {},
    }),
  };
}

/** Shape of a product of two matrices of 8-bit integers, in int32 (`torch._int_mm`). */
function inferIntMm(args: Arguments<TensorMeta>): TensorMeta {
  const [a, b] = [args.tensor('self'), args.tensor('mat2')];
  const isByte = a.dtype === 'int8' || a.dtype === 'uint8';
  if (!isByte || b.dtype !== 'int8' || a.shape.length !== 2 || b.shape.length !== 2)
    throw new Error(
      `${args.schema.name}: the tensors must be an int8 or uint8 and an int8 matrix, got ${a.dtype} [${a.shape.join(', ')}] and ${b.dtype} [${b.shape.join(', ')}]`,
    );
  return { dtype: 'int32', shape: matmulShape(a.shape, b.shape) };
}

/** `beta * self + alpha * (first @ second)`; `self` broadcasts. */
function scaledProduct(schema: string, first: string, second: string, rank: number): NativeDefinition {
  const { infer, step } = product(first, second, rank);
  return {
    schema,
    infer,
    samples: (args) => {
      const factors = rank === 3 ? [first, second] : [first];
      return args.tensor('self').shape.length === rank ? ['self', ...factors] : factors;
    },
    step: (args) => {
      const { op, inputs } = step(args);
      const attributes = { alpha: args.number('alpha'), beta: args.number('beta') };
      return { op, inputs: [...inputs, args.tensor('self')], attributes };
    },
  };
}

/** Linear layers and products of matrices. */
export const linears: readonly OperatorDefinition[] = [
  {
    schema: 'aten::linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor',
    infer: (args) => {
      const input = args.tensor('input');
      const dtype = computedDtype(input.dtype, args.schema.name);
      return { dtype, shape: linearShape(input.shape, args.tensor('weight').shape) };
    },
    samples: ['input'],
    step: (args) => {
      const bias = args.optionalTensor('bias');
      return {
        op: 'linear',
        inputs: [args.tensor('input'), args.tensor('weight'), ...(bias ? [bias] : [])],
        attributes: { hasBias: bias !== null },
      };
    },
  },
  { schema: 'aten::matmul(Tensor self, Tensor other) -> Tensor', ...product('self', 'other') },
  { schema: 'aten::mm(Tensor self, Tensor mat2) -> Tensor', ...product('self', 'mat2', 2) },
  { schema: 'aten::bmm(Tensor self, Tensor mat2) -> Tensor', ...product('self', 'mat2', 3) },
  scaledProduct(
    'aten::addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor',
    ...(['mat1', 'mat2', 2] as const),
  ),
  scaledProduct(
    'aten::baddbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor',
    ...(['batch1', 'batch2', 3] as const),
  ),
  {
    schema: 'aten::_int_mm(Tensor self, Tensor mat2) -> Tensor',
    infer: inferIntMm,
    samples: ['self'],
    step: (args) => ({
      op: 'integer_linear',
      inputs: [args.tensor('self'), args.tensor('mat2')],
      attributes: { transposedWeight: true },
    }),
  },
];
