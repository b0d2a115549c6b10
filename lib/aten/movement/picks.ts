import { type Arguments, type Dim, mulDims } from '../../graph/index.ts';
import type { NativeDefinition, OperatorDefinition, TensorLike } from '../registry.ts';
import { normalizeAxes, normalizeAxis } from '../shape-rules.ts';
import { modulo, pickStep, tableOf } from './pick.ts';
import type { Shaped } from './strided.ts';

interface Picking {
  readonly schema: string;
  /** Of the result's axes, those that differ from the source's. */
  readonly axes: (args: Arguments<Shaped>) => readonly number[];
  readonly shape: (args: Arguments<Shaped>) => readonly Dim[];
  /** Position `i` of the source for position `at` of an axis of the result; `extent` is the source's. */
  readonly from: (at: number, axis: number, extent: number, args: Arguments<TensorLike>) => number;
}

/** A definition of an operator that reads its first argument's elements by a table for each axis. */
function picking({ schema, axes, shape, from }: Picking): NativeDefinition {
  return {
    schema,
    infer: (args) => ({ dtype: args.tensor('self').dtype, shape: shape(args) }),
    samples: (args) => (axes(args).includes(0) ? [] : ['self']),
    step: (args) => {
      const self = args.tensor('self');
      const result = shape(args) as readonly number[];
      const added = result.length - self.shape.length;
      const changed = axes(args);
      const tables = result.map((extent, axis) => {
        if (!changed.includes(axis)) return undefined;
        const source = axis < added ? 1 : self.shape[axis - added];
        return tableOf(extent, (at) => from(at, axis, source, args));
      });
      return pickStep(self, tables);
    },
  };
}

const sameShape = (args: Arguments<Shaped>): readonly Dim[] => args.tensor('self').shape;

const mirrored: Picking['from'] = (at, _, extent) => extent - 1 - at;

/** Turns the axes around that a function names. */
const flip = (schema: string, axes: Picking['axes']): NativeDefinition =>
  picking({ schema, axes, shape: sameShape, from: mirrored });

/** `fliplr`, `flipud`: the axis that the name stands for. */
const flipAxis = (name: string, axis: number): NativeDefinition =>
  flip(`aten::${name}(Tensor self) -> Tensor`, (args) => {
    const rank = args.tensor('self').shape.length;
    if (rank <= axis)
      throw new Error(`${args.schema.name}: at least ${axis + 1} extents are needed, the tensor has ${rank}`);
    return [axis];
  });

/** How far each axis is rolled. */
function shifts(args: Arguments<Shaped>): ReadonlyMap<number, number> {
  const { name } = args.schema;
  const [amounts, rank] = [args.numbers('shifts'), args.tensor('self').shape.length];
  const dims = args.numbers('dims');
  if (dims.length === 0 && rank === 1 && amounts.length === 1) return new Map([[0, amounts[0]]]);
  if (dims.length !== amounts.length)
    throw new Error(
      `${name}: shifts [${amounts.join(', ')}] and dims [${dims.join(', ')}] must be equally many`,
    );
  const byAxis = new Map<number, number>();
  dims.forEach((dim, i) => {
    const axis = normalizeAxis(dim, rank, name);
    byAxis.set(axis, (byAxis.get(axis) ?? 0) + amounts[i]);
  });
  return byAxis;
}

/** Repeats whole extents, as often as an argument says for each; missing ones are 1. */
function repetition(schema: string, name: string, fills: boolean): NativeDefinition {
  const counts = (args: Arguments<Shaped>): readonly Dim[] => {
    const [given, { length: rank }] = [args.dims(name), args.tensor('self').shape];
    if (given.length < rank && !fills)
      throw new Error(`${args.schema.name}: ${rank} extents need as many repeats, got [${given.join(', ')}]`);
    if (given.some((count) => typeof count === 'number' && count < 0))
      throw new Error(`${args.schema.name}: negative repeats in [${given.join(', ')}]`);
    return [...Array<Dim>(Math.max(rank - given.length, 0)).fill(1), ...given];
  };
  return picking({
    schema,
    axes: (args) => counts(args).flatMap((count, axis) => (count === 1 ? [] : [axis])),
    shape: (args) => {
      const { shape } = args.tensor('self');
      const repeats = counts(args);
      const added = repeats.length - shape.length;
      return repeats.map((count, i) => mulDims(count, i < added ? 1 : shape[i - added]));
    },
    from: (at, _, extent) => at % extent,
  });
}

/** The axis whose elements are repeated one by one. */
function interleavedAxis(args: Arguments<Shaped>): number {
  const { name } = args.schema;
  const rank = args.tensor('self').shape.length;
  if (!args.isNone('dim')) return normalizeAxis(args.number('dim'), rank, name);
  if (rank !== 1) throw new Error(`${name}: a tensor of ${rank} extents needs 'dim', or must be flattened`);
  return 0;
}

/** Operators that reorder or repeat the positions of axes. */
export const picks: readonly OperatorDefinition[] = [
  flip('aten::flip(Tensor self, int[] dims) -> Tensor', (args) => {
    const dims = args.numbers('dims');
    return dims.length === 0 ? [] : normalizeAxes(dims, args.tensor('self').shape.length, args.schema.name);
  }),
  flipAxis('flipud', 0),
  flipAxis('fliplr', 1),
  picking({
    schema: 'aten::roll(Tensor self, SymInt[1] shifts, int[1] dims=[]) -> Tensor',
    axes: (args) => [...shifts(args).keys()],
    shape: sameShape,
    from: (at, axis, extent, args) => modulo(at - shifts(args).get(axis)!, extent),
  }),
  repetition('aten::repeat(Tensor self, SymInt[] repeats) -> Tensor', 'repeats', false),
  repetition('aten::tile(Tensor self, SymInt[] dims) -> Tensor', 'dims', true),
  picking({
    schema:
      'aten::repeat_interleave.self_int(Tensor self, SymInt repeats, int? dim=None, *, SymInt? output_size=None) -> Tensor',
    axes: (args) => [interleavedAxis(args)],
    shape: (args) => {
      const axis = interleavedAxis(args);
      const repeats = args.dim('repeats');
      if (typeof repeats === 'number' && repeats < 0)
        throw new Error(`${args.schema.name}: 'repeats' must not be negative, got ${repeats}`);
      return args.tensor('self').shape.map((extent, i) => (i === axis ? mulDims(extent, repeats) : extent));
    },
    from: (at, _axis, _extent, args) => Math.floor(at / args.number('repeats')),
  }),
];
