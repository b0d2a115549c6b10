import { addDims, type Dim, SymInt } from '../../../../graph/index.ts';
import type { OnnxCall, OnnxEmitter, OnnxEmitters } from '../call.ts';
import { upTo } from '../call.ts';
import type { OnnxValue } from '../value.ts';

const concatenation: OnnxEmitter = (call) => {
  const tensors = call.args.tensors('tensors');
  return call.concat(tensors, call.axisOf(call.args.number('dim'), tensors[0].rank));
};

/** Parts along an axis; how long they are is in the shapes of the results. */
const division =
  (axisOf: (call: OnnxCall) => number = (call) => call.axis): OnnxEmitter =>
  (call) => {
    const axis = axisOf(call);
    const lengths = call.extents(
      call.metas.map(({ shape }) => shape[axis]),
      'the parts of a tensor',
    );
    const whole = call.static(call.self.shape[axis], 'an extent that is divided');
    if (lengths.reduce((a, b) => a + b, 0) !== whole)
      throw new Error(`parts of [${lengths.join(', ')}] do not make the extent of ${whole}: some overlap`);
    return call.ops('Split', [call.self, call.integers(lengths)], { axis }, call.metas);
  };

/** One position of an axis; a negative one counts from the end. */
function position(call: OnnxCall, axis: number, index: Dim): OnnxValue {
  const { self, meta } = call;
  const at = typeof index === 'number' ? call.scalar(index, 'int64') : call.size(index);
  return call.op(
    'Gather',
    [self, at],
    { axis },
    { shape: meta.shape, selected: { from: self, axis, index } },
  );
}

/** ONNX counts and clips the bounds as PyTorch does. */
function slice(call: OnnxCall): OnnxValue {
  const { args } = call;
  const end = args.optionalDim('end');
  const isOpen = end === null || (typeof end === 'number' && end >= Number.MAX_SAFE_INTEGER);
  return call.slice(
    call.self,
    call.axis,
    args.optionalDim('start') ?? 0,
    isOpen ? undefined : end,
    args.number('step'),
  );
}

/** A position counted from the start. */
const fromStart = (at: Dim, extent: Dim): Dim =>
  typeof at === 'number' && at < 0 ? addDims(at, extent) : at;

function narrow(call: OnnxCall): OnnxValue {
  const start = fromStart(call.args.dim('start'), call.self.shape[call.axis]);
  return call.slice(call.self, call.axis, start, addDims(start, call.args.dim('length')));
}

/** The axes turned around, by steps of -1. */
const flip =
  (axesOf: (call: OnnxCall) => readonly number[]): OnnxEmitter =>
  (call) => {
    const { self } = call;
    const axes = axesOf(call).map((axis) => call.axisOf(axis, self.rank));
    const all = axes.length === 0 ? upTo(self.rank) : axes;
    const each = (value: number) => call.integers(all.map(() => value));
    return call.op('Slice', [self, each(-1), each(-Number.MAX_SAFE_INTEGER), call.integers(all), each(-1)]);
  };

/** The last positions in front of the others, axis by axis. */
function roll(call: OnnxCall): OnnxValue {
  const { args, self } = call;
  const [shifts, dims] = [args.numbers('shifts'), args.numbers('dims')];
  return shifts.reduce((value, shift, i) => {
    const axis = call.axisOf(dims[i] ?? 0, self.rank);
    const extent = self.shape[axis];
    const by = typeof extent === 'number' ? shift % extent : shift;
    return by === 0
      ? value
      : call.concat([call.slice(value, axis, -by), call.slice(value, axis, 0, -by)], axis);
  }, self);
}

/** Whole extents repeated; repeats that are missing in front are 1. */
const repetition =
  (name: string): OnnxEmitter =>
  (call) => {
    const { self } = call;
    const given = call.args.dims(name);
    const ones = (count: number) => Array<Dim>(Math.max(count, 0)).fill(1);
    const repeats = [...ones(self.rank - given.length), ...given];
    const x = call.reshape(self, [...ones(repeats.length - self.rank), ...self.shape]);
    return call.op('Tile', [x, call.sizes(repeats)]);
  };

/** Each position of an axis repeated: along an axis of its own, which is joined with it. */
function repeatInterleaved(call: OnnxCall): OnnxValue {
  const { args, self } = call;
  const axis = args.isNone('dim') ? 0 : call.axis;
  const apart = call.unsqueeze(self, [axis + 1]);
  const repeated = call.expand(apart, self.shape.toSpliced(axis + 1, 0, args.dim('repeats')));
  return call.reshape(repeated, call.meta.shape);
}

/** The first argument with `src` in the place of a part: what is before it, the part, what is after it. */
function overwrite(call: OnnxCall, axis: number, src: OnnxValue, start: Dim, step: number): OnnxValue {
  const { self } = call;
  if (step !== 1) return overwritePositions(call, axis, src, start, step);
  const end = addDims(start, src.shape[axis]);
  const before = start === 0 ? [] : [call.slice(self, axis, 0, start)];
  return call.concat([...before, src, call.slice(self, axis, end)], axis);
}

function overwritePositions(
  call: OnnxCall,
  axis: number,
  src: OnnxValue,
  start: Dim,
  step: number,
): OnnxValue {
  const count = call.static(src.shape[axis], 'the number of positions that are written');
  const first = call.static(start, 'the first position that is written');
  const positions = call.integers(upTo(count).map((i) => first + i * step));
  const along = call.reshape(
    positions,
    src.shape.map((_, i) => (i === axis ? count : 1)),
  );
  return call.op('ScatterElements', [call.self, call.expand(along, src.shape), src], { axis });
}

/** How many positions there are from a start to an end, and the start, both in an extent. */
function rangeIn(call: OnnxCall, extent: Dim): { start: Dim; count: Dim } {
  const { args } = call;
  const clip = (at: Dim): Dim =>
    typeof at === 'number' && typeof extent === 'number' ? Math.min(Math.max(at, 0), extent) : at;
  const start = clip(fromStart(args.optionalDim('start') ?? 0, extent));
  const last = args.optionalDim('end') ?? Number.MAX_SAFE_INTEGER;
  const isOpen = typeof last === 'number' && last >= Number.MAX_SAFE_INTEGER;
  const end = isOpen ? extent : clip(fromStart(last, extent));
  const step = args.number('step');
  if (step !== 1 && (start instanceof SymInt || end instanceof SymInt))
    throw new Error(`a part at distances of ${step} whose size requests choose`);
  const length = addDims(end, typeof start === 'number' ? -start : 0);
  if (start instanceof SymInt) throw new Error(`a part that begins at ${start}, which requests choose`);
  return { start, count: step === 1 ? length : Math.max(Math.ceil((length as number) / step), 0) };
}

function sliceScatter(call: OnnxCall): OnnxValue {
  const { args, self, axis } = call;
  const { start, count } = rangeIn(call, self.shape[axis]);
  const src = call.expand(args.tensor('src'), self.shape.toSpliced(axis, 1, count));
  return overwrite(call, axis, src, start, args.number('step'));
}

function selectScatter(call: OnnxCall): OnnxValue {
  const { args, self, axis } = call;
  const src = call.expand(args.tensor('src'), self.shape.toSpliced(axis, 1));
  return overwrite(
    call,
    axis,
    call.unsqueeze(src, [axis]),
    fromStart(args.dim('index'), self.shape[axis]),
    1,
  );
}

const alongColumns = division(({ self }) => (self.rank === 1 ? 0 : 1));
const alongRows = division(() => 0);
const alongDepth = division(() => 2);

const splits = ['split.Tensor', 'split.sizes', 'split_with_sizes.default', 'chunk.default'];

/** Operators that join, cut and repeat. */
export const movementEmitters: OnnxEmitters = {
  'aten.cat.default': concatenation,
  ...Object.fromEntries(
    [...splits, 'tensor_split.sections', 'tensor_split.indices'].map((name) => [`aten.${name}`, division()]),
  ),
  'aten.hsplit.int': alongColumns,
  'aten.hsplit.array': alongColumns,
  'aten.vsplit.int': alongRows,
  'aten.vsplit.array': alongRows,
  'aten.dsplit.int': alongDepth,
  'aten.dsplit.array': alongDepth,
  'aten.unbind.int': (call) =>
    call.metas.map(({ shape }, i) =>
      call.op('Gather', [call.self, call.scalar(i, 'int64')], { axis: call.axis }, { shape }),
    ),
  'aten.select.int': (call) => position(call, call.axis, call.args.dim('index')),
  'aten.slice.Tensor': slice,
  'aten.narrow.default': narrow,
  'aten.flip.default': flip(({ args }) => args.numbers('dims')),
  'aten.flipud.default': flip(() => [0]),
  'aten.fliplr.default': flip(() => [1]),
  'aten.roll.default': roll,
  'aten.repeat.default': repetition('repeats'),
  'aten.tile.default': repetition('dims'),
  'aten.repeat_interleave.self_int': repeatInterleaved,
  'aten.slice_scatter.default': sliceScatter,
  'aten.select_scatter.default': selectScatter,
};
