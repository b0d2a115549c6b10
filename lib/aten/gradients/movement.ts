import type { Node } from '../../graph/index.ts';
import { normalizeAxis } from '../shape-rules.ts';
import { reshape, sumLike } from './arithmetic.ts';
import type { DifferentiatedCall, GradientBuilder, GradientRule, GradientRules } from './rule.ts';

/** The gradient of `self` in an operator that moves elements. */
const moved =
  (reverse: (call: DifferentiatedCall & { readonly self: Node }, g: GradientBuilder) => Node): GradientRule =>
  (call, g) => ({ self: () => reverse({ ...call, self: call.args.tensor('self') }, g) });

const axisOf = ({ args }: DifferentiatedCall, g: GradientBuilder, name = 'dim'): number =>
  normalizeAxis(args.number(name), g.shape(args.tensor('self')).length, args.schema.name);

/** The same elements, in the shape before. */
const reshaped = moved(({ grad, self }, g) => reshape(g, grad, g.shape(self)));

/** Zeros with `grad` from `start` on along an axis. */
function surroundedByZeros(
  g: GradientBuilder,
  grad: Node,
  shape: readonly number[],
  axis: number,
  start: number,
): Node {
  const after = shape[axis] - start - g.shape(grad)[axis];
  if (start === 0 && after === 0) return grad;
  const untouched = Array.from({ length: 2 * (shape.length - axis - 1) }, () => 0);
  return g.call('aten.constant_pad_nd.default', grad, [...untouched, start, after], 0);
}

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
const division =
  (join: 'cat' | 'stack'): GradientRule =>
  (call, g) => ({
    self: () => {
      const axis = axisOf(call, g);
      const parts = call.grads.map(
        (grad, i) => grad ?? g.call('aten.zeros_like.default', g.item(call.result, i)),
      );
      const rows = join === 'cat' ? parts : parts.map((part) => g.call('aten.unsqueeze.default', part, axis));
      return g.call('aten.cat.default', rows, axis);
    },
  });

const permutation: GradientRule = moved(({ grad, args }, g) => {
  const dims = args.numbers('dims').map((dim, _, { length }) => normalizeAxis(dim, length, args.schema.name));
  return g.call(
    'aten.permute.default',
    grad,
    dims.map((_, i) => dims.indexOf(i)),
  );
});

const transposition: GradientRule = moved(({ grad, args }, g) =>
  g.call('aten.transpose.int', grad, args.number('dim0'), args.number('dim1')),
);

const matrixTransposition: GradientRule = moved(({ grad }, g) =>
  g.shape(grad).length < 2 ? grad : g.call('aten.transpose.int', grad, -2, -1),
);

const repetition: GradientRule = moved(({ grad, self, args }, g) => {
  const repeats = args.numbers('repeats');
  const shape = g.shape(self);
  const lead = repeats.length - shape.length;
  // [r0, s0, r1, s1, ...]: the copies of every axis are summed.
  const interleaved = repeats.flatMap((count, i) => [count, i < lead ? 1 : shape[i - lead]]);
  const copies = repeats.map((_, i) => 2 * i);
  return reshape(g, g.call('aten.sum.dim_IntList', reshape(g, grad, interleaved), copies), shape);
});

/** Zeros to which the rows that were read add their gradients. */
const addedAt = (g: GradientBuilder, like: Node, axis: number, index: Node, grad: Node): Node =>
  g.call('aten.index_add.default', g.call('aten.zeros_like.default', like), axis, index, grad);

const embedding: GradientRule = ({ args, grad }, g) => ({
  weight: () => {
    const [weight, indices] = [args.tensor('weight'), args.tensor('indices')];
    const [rows, width] = [g.shape(indices).reduce((a, b) => a * b, 1), g.shape(weight)[1]];
    const [index, added] = [reshape(g, indices, [rows]), reshape(g, grad, [rows, width])];
    const padding = args.number('padding_idx');
    if (padding < 0) return addedAt(g, weight, 0, index, added);
    const isPadding = reshape(g, g.call('aten.eq.Scalar', index, padding), [rows, 1]);
    return addedAt(g, weight, 0, index, g.call('aten.masked_fill.Scalar', added, isPadding, 0));
  },
});

const viewNames = ['view', 'reshape', '_unsafe_view', 'squeeze', 'squeeze.dim', 'squeeze.dims', 'unsqueeze'];
const sameShapeNames = ['alias', 'contiguous', 'clone', 'lift_fresh', 'lift_fresh_copy'];
const nameOf = (name: string) => (name.includes('.') ? `aten.${name}` : `aten.${name}.default`);
const all = (names: readonly string[], rule: GradientRule): GradientRules =>
  Object.fromEntries(names.map((name) => [nameOf(name), rule]));

/** Gradients of operators that move elements: the way back. */
export const movementGradients: GradientRules = {
  ...all([...viewNames, 'flatten.using_ints', 'unflatten.int'], reshaped),
  ...all(
    sameShapeNames,
    moved(({ grad }) => grad),
  ),
  ...all(
    ['expand', 'broadcast_to'],
    moved(({ grad, self }, g) => sumLike(g, grad, self)),
  ),
  ...all(['slice.Tensor'], slice),
  ...all(['select.int'], select),
  ...all(['cat', 'concat', 'concatenate'], concatenation),
  ...all(['split.Tensor', 'split.sizes', 'split_with_sizes', 'chunk'], division('cat')),
  ...all(['unbind.int'], division('stack')),
  ...all(['permute'], permutation),
  ...all(['transpose.int', 'swapaxes', 'swapdims'], transposition),
  ...all(['t', 'mT'], matrixTransposition),
  ...all(
    ['numpy_T'],
    moved(({ grad }, g) => g.call('aten.numpy_T.default', grad)),
  ),
  ...all(['repeat'], repetition),
  ...all(
    ['flip'],
    moved(({ grad, args }, g) => g.call('aten.flip.default', grad, [...args.numbers('dims')])),
  ),
  ...all(
    ['roll'],
    moved(({ grad, args }, g) =>
      g.call(
        'aten.roll.default',
        grad,
        args.numbers('shifts').map((shift) => -shift),
        [...args.numbers('dims')],
      ),
    ),
  ),
  // What was padded is cut off, what was cut off is zero.
  ...all(
    ['constant_pad_nd'],
    moved(({ grad, args }, g) =>
      g.call(
        'aten.constant_pad_nd.default',
        grad,
        args.numbers('pad').map((count) => -count),
        0,
      ),
    ),
  ),
  ...all(['embedding'], embedding),
  ...all(
    ['index_select'],
    moved((call, g) => addedAt(g, call.self, axisOf(call, g), call.args.tensor('index'), call.grad)),
  ),
  ...all(
    ['gather'],
    moved((call, g) =>
      g.call(
        'aten.scatter_add.default',
        g.call('aten.zeros_like.default', call.self),
        axisOf(call, g),
        call.args.tensor('index'),
        call.grad,
      ),
    ),
  ),
  ...all(
    ['to.dtype', '_to_copy'],
    moved(({ grad, self }, g) => g.call('aten.to.dtype', grad, g.dtype(self))),
  ),
};
