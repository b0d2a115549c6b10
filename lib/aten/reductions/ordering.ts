import type { Arguments, Dim, TensorMeta } from '../../graph/index.ts';
import { isFloatingPoint } from '../../tensor/index.ts';
import type { NativeDefinition, OperatorDefinition, TensorLike } from '../registry.ts';
import { normalizeAxis } from '../shape-rules.ts';
import { laneAxes, reducedExtents, reducedShape, samplesKept } from './extents.ts';

type Shaped = { readonly shape: readonly unknown[] };

const axisOf = (args: Arguments<Shaped>): number =>
  normalizeAxis(args.number('dim'), args.tensor('self').shape.length, args.schema.name);

/** A tensor without dimensions is one lane of one element. */
const axesOf = (args: Arguments<Shaped>): readonly number[] =>
  laneAxes({ axes: [axisOf(args)], keepdim: true }, args.tensor('self').shape.length);

const apartFromAxis = (args: Arguments<Shaped>): readonly string[] => (axisOf(args) === 0 ? [] : ['self']);

/** The place of an extremum; the extremum itself first where the operator returns both. */
function place(schema: string, algorithm: string): NativeDefinition {
  return {
    schema,
    infer: (args) => {
      const { dtype, shape } = args.tensor('self');
      const left = reducedShape(shape, reducedExtents(args));
      const indices: TensorMeta = { dtype: 'int64', shape: left };
      return args.schema.returns === 2 ? [{ dtype, shape: left }, indices] : indices;
    },
    samples: samplesKept,
    step: <T extends TensorLike>(args: Arguments<T>) => {
      const self = args.tensor('self');
      const extents = reducedExtents(args);
      return {
        op: 'arg_reduce',
        inputs: [self],
        attributes: { algorithm, axes: laneAxes(extents, self.shape.length), keepdim: extents.keepdim },
      };
    },
  };
}

/** Running sums or products. Integers are computed as int64. */
function scan(name: string): NativeDefinition {
  return {
    schema: `aten::${name}(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor`,
    infer: (args) => {
      const { dtype, shape } = args.tensor('self');
      axisOf(args);
      const own = isFloatingPoint(dtype) ? dtype : 'int64';
      return { dtype: args.isNone('dtype') ? own : args.dtype('dtype'), shape };
    },
    samples: apartFromAxis,
    step: <T extends TensorLike>(args: Arguments<T>) => ({
      op: 'scan',
      inputs: [args.tensor('self')],
      attributes: { algorithm: name, axes: axesOf(args) },
    }),
  };
}

interface Order {
  readonly descending: boolean;
  /** How many elements are wanted; absent: all. */
  readonly count?: Dim;
}

/** Values and places in order, or the places alone. */
function ordering(schema: string, orderOf: <T>(args: Arguments<T>) => Order): NativeDefinition {
  return {
    schema,
    infer: (args) => {
      const { dtype, shape } = args.tensor('self');
      const { count } = orderOf(args);
      const axis = axisOf(args);
      const extent = shape[axis];
      if (typeof count === 'number' && (count < 0 || (typeof extent === 'number' && count > extent)))
        throw new Error(
          `${args.schema.name}: there are ${extent ?? 1} elements along axis ${axis}, not ${count}`,
        );
      const left = count === undefined ? shape : shape.map((extent, i) => (i === axis ? count : extent));
      const indices: TensorMeta = { dtype: 'int64', shape: left };
      return args.schema.returns === 2 ? [{ dtype, shape: left }, indices] : indices;
    },
    samples: apartFromAxis,
    step: <T extends TensorLike>(args: Arguments<T>) => {
      const { descending, count } = orderOf(args);
      const attributes = { axes: axesOf(args), descending };
      return {
        op: 'sort',
        inputs: [args.tensor('self')],
        attributes: count === undefined ? attributes : { ...attributes, count: count as number },
      };
    },
  };
}

const byArgument = <T>(args: Arguments<T>): Order => ({ descending: args.bool('descending') });
const greatest = <T>(args: Arguments<T>): Order => ({
  descending: args.bool('largest'),
  count: args.dim('k'),
});

const both = '(Tensor values, Tensor indices)';

/** Operators that return places in a tensor, elements in order, or running results. */
export const orderings: readonly OperatorDefinition[] = [
  ...(['max', 'min'] as const).flatMap((name) => [
    place(`aten::${name}.dim(Tensor self, int dim, bool keepdim=False) -> ${both}`, name),
    place(`aten::arg${name}(Tensor self, int? dim=None, bool keepdim=False) -> Tensor`, name),
  ]),
  scan('cumsum'),
  scan('cumprod'),
  ordering(`aten::sort(Tensor self, int dim=-1, bool descending=False) -> ${both}`, byArgument),
  ordering(
    `aten::sort.stable(Tensor self, *, bool? stable, int dim=-1, bool descending=False) -> ${both}`,
    byArgument,
  ),
  ordering('aten::argsort(Tensor self, int dim=-1, bool descending=False) -> Tensor', byArgument),
  ordering(
    'aten::argsort.stable(Tensor self, *, bool stable, int dim=-1, bool descending=False) -> Tensor',
    byArgument,
  ),
  ordering(
    `aten::topk(Tensor self, SymInt k, int dim=-1, bool largest=True, bool sorted=True) -> ${both}`,
    greatest,
  ),
];
