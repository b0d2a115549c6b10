import type { OnnxCall, OnnxEmitter, OnnxEmitters } from '../call.ts';
import { upTo } from '../call.ts';
import type { OnnxValue } from '../value.ts';

/** Views whose shape is known before. */
const view = (call: OnnxCall): OnnxValue => call.reshape(call.self, call.meta.shape);

function flatten(call: OnnxCall): OnnxValue {
  const { self, args } = call;
  const isAfterFirst =
    self.rank > 1 && call.axisOf(args.number('start_dim'), self.rank) === 1 && call.rank === 2;
  return isAfterFirst ? call.op('Flatten', [self], { axis: 1 }, { shape: call.meta.shape }) : view(call);
}

/** Of the named axes those of extent 1; all of them where none is named. */
const squeeze =
  (axesOf: (call: OnnxCall) => readonly number[]): OnnxEmitter =>
  (call) => {
    const { self } = call;
    const named = axesOf(call).map((axis) => call.axisOf(axis, self.rank));
    const axes = named.filter((axis) => self.shape[axis] === 1);
    return axes.length === 0 ? self : call.squeeze(self, axes);
  };

function unsqueeze(call: OnnxCall): OnnxValue {
  const axis = call.axisOf(call.args.number('dim'), call.self.rank + 1);
  return call.op('Unsqueeze', [call.self, call.integers([axis])], {}, { shape: call.meta.shape });
}

const permutation =
  (order: (call: OnnxCall, rank: number) => readonly number[]): OnnxEmitter =>
  (call) => {
    const { self } = call;
    const perm = order(call, self.rank).map((axis) => call.axisOf(axis, self.rank));
    if (perm.every((axis, i) => axis === i)) return self;
    return call.op('Transpose', [self], { perm }, { shape: call.meta.shape });
  };

const swapped = (first: string, second: string): OnnxEmitter =>
  permutation((call, rank) => {
    const [a, b] = [first, second].map((name) => call.axisOf(call.args.number(name), rank));
    return upTo(rank).map((axis) => (axis === a ? b : axis === b ? a : axis));
  });

const lastTwoSwapped = permutation((_, rank) => [...upTo(rank - 2), rank - 1, rank - 2]);
const reversed = permutation((_, rank) => upTo(rank).reverse());

/** Each source axis at its destination, the others in their order. */
function moved(call: OnnxCall, rank: number): readonly number[] {
  const [sources, destinations] = ['source', 'destination'].map((name) =>
    [call.args.raw(name)].flat().map((axis) => call.axisOf(axis as number, rank)),
  );
  const rest = upTo(rank).filter((axis) => !sources.includes(axis));
  return upTo(rank).map((axis) => sources[destinations.indexOf(axis)] ?? rest.shift()!);
}

/** Returns the input; no node is written. */
const identity: OnnxEmitter = (call) => call.self;

/** The dtype is that of the result. */
const cast: OnnxEmitter = (call) => call.cast(call.self, call.meta.dtype);

const expand: OnnxEmitter = (call) => call.expand(call.self, call.meta.shape);

/** Operators under these names of ATen, all written alike. */
const named = (emit: OnnxEmitter, ...names: readonly string[]): OnnxEmitters =>
  Object.fromEntries(names.map((name) => [`aten.${name}`, emit]));

/** Operators that rename elements or dtypes and compute nothing. */
export const shapeEmitters: OnnxEmitters = {
  ...named(view, 'view.default', 'reshape.default', '_unsafe_view.default', 'unflatten.int'),
  ...named(view, 'view_as.default', 'reshape_as.default', '_reshape_alias.default', 'ravel.default'),
  ...named(view, 'atleast_1d.default', 'atleast_2d.default', 'atleast_3d.default'),
  'aten.flatten.using_ints': flatten,
  'aten.squeeze.default': squeeze(({ self }) => upTo(self.rank)),
  'aten.squeeze.dim': squeeze(({ args }) => [args.number('dim')]),
  'aten.squeeze.dims': squeeze(({ args }) => args.numbers('dim')),
  'aten.unsqueeze.default': unsqueeze,
  'aten.permute.default': permutation(({ args }) => args.numbers('dims')),
  'aten.transpose.int': swapped('dim0', 'dim1'),
  'aten.swapdims.default': swapped('dim0', 'dim1'),
  'aten.swapaxes.default': swapped('axis0', 'axis1'),
  ...named(reversed, 't.default', 'numpy_T.default', 'matrix_H.default'),
  ...named(lastTwoSwapped, 'mT.default', 'mH.default', 'adjoint.default'),
  ...named(permutation(moved), 'movedim.int', 'movedim.intlist'),
  ...named(identity, 'contiguous.default', 'clone.default', 'alias.default', 'detach.default'),
  ...named(identity, 'resolve_conj.default', 'resolve_neg.default', 'lift.default'),
  ...named(identity, 'lift_fresh.default', 'lift_fresh_copy.default'),
  ...named(identity, 'dropout.default', 'feature_dropout.default'),
  ...named(cast, 'to.dtype', '_to_copy.default'),
  'prims.convert_element_type.default': cast,
  'quantized_decomposed.convert_element_type.no_fuse': cast,
  ...named(expand, 'expand.default', 'broadcast_to.default', 'expand_as.default'),
};
