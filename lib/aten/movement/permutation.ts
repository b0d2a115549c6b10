import type { Arguments } from '../../graph/index.ts';
import type { OperatorDefinition, StridedDefinition } from '../registry.ts';
import { normalizeAxis } from '../shape-rules.ts';
import type { Shaped } from './strided.ts';

type Order = (rank: number, args: Arguments<Shaped>) => readonly number[];

/** Permutes the extents. */
function permutation(schema: string, order: Order): StridedDefinition {
  return {
    schema,
    infer: (args) => {
      const { dtype, shape } = args.tensor('self');
      return { dtype, shape: order(shape.length, args).map((axis) => shape[axis]) };
    },
    strided: ({ shape, strides }, args) => {
      const axes = order(shape.length, args);
      return {
        shape: axes.map((axis) => shape[axis]),
        strides: axes.map((axis) => strides[axis]),
        offset: 0,
      };
    },
  };
}

function permuteOrder(rank: number, args: Arguments<Shaped>): number[] {
  const { name } = args.schema;
  const order = args.numbers('dims').map((axis) => normalizeAxis(axis, rank, name));
  if (order.length !== rank || new Set(order).size !== rank)
    throw new Error(`${name}: [${order.join(', ')}] does not name each of ${rank} extents once`);
  return order;
}

/** Swaps the two extents that these arguments name. */
const swap =
  (first: string, second: string): Order =>
  (rank, args) => {
    const [a, b] = [first, second].map((name) => normalizeAxis(args.number(name), rank, args.schema.name));
    return Array.from({ length: rank }, (_, i) => (i === a ? b : i === b ? a : i));
  };

/** Swaps the last two extents. */
function batchedTransposeOrder(rank: number, args: Arguments<Shaped>): number[] {
  if (rank < 2) throw new Error(`${args.schema.name}: at least 2 extents are needed, the tensor has ${rank}`);
  return [...Array(rank - 2).keys(), rank - 1, rank - 2];
}

const reversedOrder: Order = (rank) => [...Array(rank).keys()].reverse();

function matrixTransposeOrder(rank: number, args: Arguments<Shaped>): number[] {
  if (rank > 2) throw new Error(`${args.schema.name}: at most 2 extents are allowed, the tensor has ${rank}`);
  return rank === 2 ? [1, 0] : rank === 1 ? [0] : [];
}

/** Moves each source axis to its destination; the others keep their order. */
const move =
  (axesOf: (args: Arguments<Shaped>, name: string) => readonly number[]): Order =>
  (rank, args) => {
    const { name } = args.schema;
    const [sources, destinations] = ['source', 'destination'].map((what) => {
      const axes = axesOf(args, what).map((axis) => normalizeAxis(axis, rank, name));
      if (new Set(axes).size < axes.length)
        throw new Error(`${name}: '${what}' names an axis twice in [${axes.join(', ')}]`);
      return axes;
    });
    if (sources.length !== destinations.length)
      throw new Error(
        `${name}: [${sources.join(', ')}] and [${destinations.join(', ')}] must be equally many axes`,
      );
    const rest = [...Array(rank).keys()].filter((axis) => !sources.includes(axis));
    return Array.from({ length: rank }, (_, i) => {
      const at = destinations.indexOf(i);
      return at >= 0 ? sources[at] : (rest.shift() as number);
    });
  };

/** Operators that permute extents. */
export const permutations: readonly OperatorDefinition[] = [
  permutation('aten::permute(Tensor(a) self, int[] dims) -> Tensor(a)', permuteOrder),
  permutation('aten::transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)', swap('dim0', 'dim1')),
  permutation('aten::swapdims(Tensor(a) self, int dim0, int dim1) -> Tensor(a)', swap('dim0', 'dim1')),
  permutation('aten::swapaxes(Tensor(a) self, int axis0, int axis1) -> Tensor(a)', swap('axis0', 'axis1')),
  permutation('aten::t(Tensor(a) self) -> Tensor(a)', matrixTransposeOrder),
  permutation('aten::numpy_T(Tensor(a) self) -> Tensor(a)', reversedOrder),
  permutation('aten::mT(Tensor(a) self) -> Tensor(a)', batchedTransposeOrder),
  // Octavo's tensors are real.
  permutation('aten::mH(Tensor(a) self) -> Tensor(a)', batchedTransposeOrder),
  permutation('aten::adjoint(Tensor(a) self) -> Tensor(a)', batchedTransposeOrder),
  permutation('aten::matrix_H(Tensor(a) self) -> Tensor(a)', matrixTransposeOrder),
  ...['movedim', 'moveaxis'].flatMap((name) => [
    permutation(
      `aten::${name}.intlist(Tensor(a) self, int[] source, int[] destination) -> Tensor(a)`,
      move((args, what) => args.numbers(what)),
    ),
    permutation(
      `aten::${name}.int(Tensor(a) self, int source, int destination) -> Tensor(a)`,
      move((args, what) => [args.number(what)]),
    ),
  ]),
];
