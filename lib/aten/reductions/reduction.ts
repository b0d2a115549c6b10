import type { Arguments, Dim } from '../../graph/index.ts';
import { type DType, isFloatingPoint } from '../../tensor/index.ts';
import type { NativeDefinition, OperatorDefinition, TensorLike } from '../registry.ts';
import { computedDtype, normalizeAxes } from '../shape-rules.ts';

interface Extents {
  readonly axes: readonly number[];
  readonly keepdim: boolean;
}

/** The extents that a call reduces: those it names, or all. */
function reducedExtents(args: Arguments<{ readonly shape: readonly unknown[] }>): Extents {
  const rank = args.tensor('self').shape.length;
  const named = args.schema.arguments.some((argument) => argument.name === 'dim');
  return {
    axes: normalizeAxes(named ? args.optionalNumbers('dim') : null, rank, args.schema.name),
    keepdim: named && args.bool('keepdim'),
  };
}

function reducedShape(shape: readonly Dim[], { axes, keepdim }: Extents): readonly Dim[] {
  return keepdim
    ? shape.map((extent, i) => (axes.includes(i) ? 1 : extent))
    : shape.filter((_, i) => !axes.includes(i));
}

function resultDtype(args: Arguments<{ readonly dtype: DType }>): DType {
  const hasDtype = args.schema.arguments.some((argument) => argument.name === 'dtype');
  const { dtype } = args.tensor('self');
  const wanted = hasDtype && !args.isNone('dtype') ? args.dtype('dtype') : dtype;
  if (!isFloatingPoint(wanted))
    throw new Error(`${args.schema.name}: reducing ${dtype} to ${wanted} is not supported; cast to float32`);
  return computedDtype(wanted, args.schema.name);
}

function reduction(schema: string, algorithm: string): NativeDefinition {
  return {
    schema,
    infer: (args) => ({
      dtype: resultDtype(args),
      shape: reducedShape(args.tensor('self').shape, reducedExtents(args)),
    }),
    samples: (args) => (reducedExtents(args).axes.includes(0) ? [] : ['self']),
    step: <T extends TensorLike>(args: Arguments<T>) => ({
      op: 'reduce',
      inputs: [args.tensor('self')],
      attributes: { algorithm, ...reducedExtents(args) },
    }),
  };
}

/** Reductions over some extents of a tensor, or all. */
export const reductions: readonly OperatorDefinition[] = [
  reduction('aten::mean(Tensor self, *, ScalarType? dtype=None) -> Tensor', 'mean'),
  reduction(
    'aten::mean.dim(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor',
    'mean',
  ),
  reduction('aten::sum(Tensor self, *, ScalarType? dtype=None) -> Tensor', 'sum'),
  reduction(
    'aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor',
    'sum',
  ),
  reduction('aten::amax(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor', 'max'),
  reduction('aten::amin(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor', 'min'),
];
