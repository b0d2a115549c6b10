import type { Arguments, Node } from '../../graph/index.ts';
import { normalizeAxis } from '../shape-rules.ts';
import { reshape, sumLike, transposed } from './arithmetic.ts';
import { all, axisOf, moved, placed } from './moved.ts';
import type { GradientBuilder, GradientRule, GradientRules } from './rule.ts';

/** The same elements, in the shape before. */
const reshaped = moved(({ grad, self }, g) => reshape(g, grad, g.shape(self)));

/** Zeros with `grad` from `start` on along an axis of the tensor that it is a part of. */
const surroundedByZeros = (
  g: GradientBuilder,
  grad: Node,
  shape: readonly number[],
  axis: number,
  start: number,
): Node => placed(g, grad, axis, start, shape[axis] - start - g.shape(grad)[axis]);

/** Where a slice starts: PyTorch counts from the end where the number is negative, and cuts off what is beyond the ends. */
function sliceStart(start: number | null, extent: number): number {
  const from = start ?? 0;
  return Math.min(Math.max(from < 0 ? from + extent : from, 0), extent);
}

const slice: GradientRule = moved((call, g) => {
  const { grad, self, args } = call;
  const axis = axisOf(call, g);
  const shape = g.shape(self);
  const [start, step] = [args.optionalNumber('start'), args.number('step')];
  if (step === 1) return surroundedByZeros(g, grad, shape, axis, sliceStart(start, shape[axis]));
  const zeros = g.call('aten.zeros_like.default', self);
  const end = args.optionalNumber('end');
  return g.call('aten.slice_scatter.default', zeros, grad, axis, start, end, step);
});

const narrow: GradientRule = moved((call, g) => {
  const axis = axisOf(call, g);
  const shape = g.shape(call.self);
  return surroundedByZeros(g, call.grad, shape, axis, sliceStart(call.args.number('start'), shape[axis]));
});

const select: GradientRule = moved((call, g) => {
  const { grad, self, args } = call;
  const axis = axisOf(call, g);
  const shape = g.shape(self);
  const index = args.number('index');
  const row = g.call('aten.unsqueeze.default', grad, axis);
  return surroundedByZeros(g, row, shape, axis, index < 0 ? index + shape[axis] : index);
});

/** Each tensor's part of the gradient. */
const concatenation: GradientRule = ({ args, grad }, g) => ({
  tensors: () => {
    const tensors = args.tensors('tensors');
    const axis = normalizeAxis(args.number('dim'), g.shape(grad).length, args.schema.name);
    let start = 0;
    return tensors.map((tensor) => {
      const from = start;
      start += g.shape(tensor)[axis];
      return g.call('aten.slice.Tensor', grad, axis, from, start);
    });
  },
});

/** The parts' gradients, one after the other; zeros for a part that nothing depends on. */
const division = (join: 'cat' | 'stack', axisOfCall: typeof axisOf = axisOf): GradientRule =>
  moved((call, g) => {
    const axis = axisOfCall(call, g);
    const parts = call.grads.map(
      (grad, i) => grad ?? g.call('aten.zeros_like.default', g.item(call.result, i)),
    );
    const rows = join === 'cat' ? parts : parts.map((part) => g.call('aten.unsqueeze.default', part, axis));
    return g.call('aten.cat.default', rows, axis);
  });

const permutation: GradientRule = moved(({ grad, args }, g) => {
  const dims = args.numbers('dims').map((dim, _, { length }) => normalizeAxis(dim, length, args.schema.name));
  return g.call(
    'aten.permute.default',
    grad,
    dims.map((_, i) => dims.indexOf(i)),
  );
});

const swap = (first: string, second: string): GradientRule =>
  moved(({ grad, args }, g) => g.call('aten.transpose.int', grad, args.number(first), args.number(second)));

/** Axes go back to where they came from. */
const move: GradientRule = moved(({ grad, args }, g) => {
  const [to, from] = ['source', 'destination'].map((name) => [args.raw(name) as number | number[]].flat());
  return g.call('aten.movedim.intlist', grad, from, to);
});

const matrixTransposition: GradientRule = moved(({ grad }, g) =>
  g.shape(grad).length < 2 ? grad : transposed(g, grad),
);

const repetition = (name: string): GradientRule =>
  moved(({ grad, self, args }, g) => {
    const shape = g.shape(self);
    const given = args.numbers(name);
    const repeats = [...Array<number>(Math.max(shape.length - given.length, 0)).fill(1), ...given];
    const lead = repeats.length - shape.length;
    // [r0, s0, r1, s1, ...]: the copies of every axis are summed.
    const interleaved = repeats.flatMap((count, i) => [count, i < lead ? 1 : shape[i - lead]]);
    const copies = repeats.map((_, i) => 2 * i);
    return reshape(g, g.call('aten.sum.dim_IntList', reshape(g, grad, interleaved), copies), shape);
  });

/** [..., extent, repeats, ...]: the copies of every element are summed. */
const interleaving: GradientRule = moved((call, g) => {
  const shape = g.shape(call.self);
  const axis = call.args.isNone('dim') ? 0 : axisOf(call, g);
  const apart = shape.toSpliced(axis + 1, 0, call.args.number('repeats'));
  return g.call('aten.sum.dim_IntList', reshape(g, call.grad, apart), [axis + 1]);
});

const flip = (axesOf: (args: Arguments<Node>) => readonly number[]): GradientRule =>
  moved(({ grad, args }, g) => g.call('aten.flip.default', grad, [...axesOf(args)]));

const roll: GradientRule = moved(({ grad, args }, g) =>
  g.call(
    'aten.roll.default',
    grad,
    args.numbers('shifts').map((shift) => -shift),
    [...args.numbers('dims')],
  ),
);

/** Above or below a diagonal. */
const triangle = (name: 'tril' | 'triu'): GradientRule =>
  moved(({ grad, args }, g) => g.call(`aten.${name}.default`, grad, args.number('diagonal')));

/** In evaluation mode it is the identity; in training it has become a product. */
const dropout: GradientRule = ({ args, grad }) => ({
  input: () => {
    if (args.bool('train')) throw new Error('its mask must be an operator of the graph');
    return grad;
  },
});

const viewNames = [
  ...['view', 'reshape', '_unsafe_view', 'view_as', 'reshape_as', '_reshape_alias', 'ravel'],
  ...['flatten.using_ints', 'unflatten.int', 'squeeze', 'squeeze.dim', 'squeeze.dims', 'unsqueeze'],
  ...['atleast_1d', 'atleast_2d', 'atleast_3d'],
];
const sameNames = [
  ...['alias', 'contiguous', 'clone', 'lift', 'lift_fresh', 'lift_fresh_copy'],
  ...['resolve_conj', 'resolve_neg'],
];
const partNames = [
  ...['split.Tensor', 'split.sizes', 'split_with_sizes', 'chunk', 'tensor_split.sections'],
  ...['tensor_split.indices', 'unsafe_split.Tensor', 'unsafe_split_with_sizes', 'unsafe_chunk'],
];

/** Gradients of operators that give all or some of the elements another place: the way back. */
export const movementGradients: GradientRules = {
  ...all(viewNames, reshaped),
  ...all(
    sameNames,
    moved(({ grad }) => grad),
  ),
  ...all(
    ['expand', 'broadcast_to', 'expand_as'],
    moved(({ grad, self }, g) => sumLike(g, grad, self)),
  ),
  ...all(['slice.Tensor'], slice),
  ...all(['narrow'], narrow),
  ...all(['select.int'], select),
  ...all(['cat', 'concat', 'concatenate'], concatenation),
  ...all(partNames, division('cat')),
  ...all(
    ['hsplit.int', 'hsplit.array'],
    division('cat', ({ args }, g) => (g.shape(args.tensor('self')).length > 1 ? 1 : 0)),
  ),
  ...all(
    ['vsplit.int', 'vsplit.array'],
    division('cat', () => 0),
  ),
  ...all(
    ['dsplit.int', 'dsplit.array'],
    division('cat', () => 2),
  ),
  ...all(['unbind.int'], division('stack')),
  ...all(['permute'], permutation),
  ...all(['transpose.int', 'swapdims'], swap('dim0', 'dim1')),
  ...all(['swapaxes'], swap('axis0', 'axis1')),
  ...all(['movedim.int', 'movedim.intlist', 'moveaxis.int', 'moveaxis.intlist'], move),
  ...all(['t', 'mT', 'mH', 'matrix_H', 'adjoint'], matrixTransposition),
  ...all(
    ['numpy_T'],
    moved(({ grad }, g) => g.call('aten.numpy_T.default', grad)),
  ),
  ...all(['repeat'], repetition('repeats')),
  ...all(['tile'], repetition('dims')),
  ...all(['repeat_interleave.self_int'], interleaving),
  ...all(
    ['flip'],
    flip((args) => args.numbers('dims')),
  ),
  ...all(
    ['flipud'],
    flip(() => [0]),
  ),
  ...all(
    ['fliplr'],
    flip(() => [1]),
  ),
  ...all(['roll'], roll),
  ...all(['tril'], triangle('tril')),
  ...all(['triu'], triangle('triu')),
  ...all(['dropout', 'feature_dropout'], dropout),
  // Whoever receives the gradient casts it.
  ...all(
    ['to.dtype', '_to_copy'],
    moved(({ grad }) => grad),
  ),
  'prims.convert_element_type.default': ({ grad }) => ({ a: () => grad }),
};
