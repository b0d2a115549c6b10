import { type Dim, mulDims } from '../../../../graph/index.ts';
import { Tensor } from '../../../../tensor/index.ts';
import type { OnnxCall, OnnxEmitter, OnnxEmitters } from '../call.ts';
import { upTo } from '../call.ts';
import type { OnnxValue } from '../value.ts';

/** An axis as two: which window, and where in it; position `i * step + j * gap`. */
function windowsAlong(
  call: OnnxCall,
  x: OnnxValue,
  axis: number,
  { count, size, step, gap }: Readonly<Record<'count' | 'size' | 'step' | 'gap', number>>,
): OnnxValue {
  const positions = upTo(count).flatMap((i) => upTo(size).map((j) => i * step + j * gap));
  const indices = call.constant(Tensor.from('int64', positions, [count, size]));
  const shape = x.shape.toSpliced(axis, 1, count, size);
  return call.op('Gather', [x, indices], { axis }, { shape });
}

function unfold(call: OnnxCall): OnnxValue {
  const { args, self } = call;
  const axis = call.axisOf(args.number('dimension'), self.rank);
  const count = call.static(call.meta.shape[axis], 'the number of windows');
  const apart = windowsAlong(call, self, axis, {
    count,
    size: args.number('size'),
    step: args.number('step'),
    gap: 1,
  });
  return call.transpose(apart, [...upTo(apart.rank).filter((each) => each !== axis + 1), axis + 1]);
}

/** [N, C, H, W] as [N, C, KH, KW, H', W']. */
function windowsOfImages(call: OnnxCall): OnnxValue {
  const [kernel, dilation, stride] = ['kernel_size', 'dilation', 'stride'].map((name) =>
    call.args.numbers(name),
  );
  const counts = call.extents(call.meta.shape.slice(4), 'the number of windows');
  const along = (x: OnnxValue, axis: number, i: number) =>
    windowsAlong(call, x, axis, { count: counts[i], size: kernel[i], step: stride[i], gap: dilation[i] });
  return call.transpose(along(along(call.self, 3, 1), 2, 0), [0, 1, 3, 5, 2, 4]);
}

/** The sums of overlapping windows. */
function foldWindows(call: OnnxCall): OnnxValue {
  call.since(18, 'Col2Im');
  const { args, self } = call;
  const [n, channels, ...rest] = self.shape;
  const [kh, kw, rows, columns] = call.extents(rest, 'the windows of an image');
  const [dilations, padding, strides] = ['dilation', 'padding', 'stride'].map((name) => args.numbers(name));
  const x = call.cast(self, call.real);
  const flat = call.reshape(x, [n, mulDims(channels, kh * kw), rows * columns]);
  const sizes = [args.numbers('output_size'), [kh, kw]].map((size) => call.integers(size));
  return call.op('Col2Im', [flat, ...sizes], { dilations, pads: [...padding, ...padding], strides });
}

/** The elements of a diagonal, of both axes joined. */
function diagonal(call: OnnxCall): OnnxValue {
  const { args, self } = call;
  const [a, b] = ['dim1', 'dim2'].map((name) => call.axisOf(args.number(name), self.rank));
  const others = upTo(self.rank).filter((axis) => axis !== a && axis !== b);
  const [rows, columns] = call.extents([self.shape[a], self.shape[b]], 'the extents of a diagonal');
  const offset = args.number('offset');
  const length = call.static(call.meta.shape.at(-1)!, 'the length of a diagonal');
  const first = Math.max(-offset, 0) * columns + Math.max(offset, 0);
  const around: Dim[] = others.map((axis) => self.shape[axis]);
  const flat = call.reshape(call.transpose(self, [...others, a, b]), [...around, rows * columns]);
  const positions = call.integers(upTo(length).map((i) => first + i * (columns + 1)));
  return call.op('Gather', [flat, positions], { axis: others.length });
}

/** Elements of a row by their positions: ONNX has no strides. */
function asStrided(call: OnnxCall): OnnxValue {
  const { args } = call;
  const shape = call.extents(call.meta.shape, 'a size of what strides read');
  const strides = args.numbers('stride');
  const first = args.isNone('storage_offset') ? 0 : args.number('storage_offset');
  const positions = shape.reduce(
    (starts, extent, i) => starts.flatMap((start) => upTo(extent).map((at) => start + at * strides[i])),
    [first],
  );
  const indices = call.constant(Tensor.from('int64', positions, shape));
  return call.op('Gather', [call.self, indices], { axis: 0 }, { shape });
}

/** One triangle of matrices, the rest 0; before operator set 14 by a mask. */
const triangle =
  (isUpper: boolean): OnnxEmitter =>
  (call) => {
    const { self } = call;
    const shift = call.args.number('diagonal');
    const x = call.cast(self, call.working('Where'));
    if (call.opset >= 14)
      return call.op('Trilu', [x, call.scalar(shift, 'int64')], { upper: Number(isUpper) });
    const [rows, columns] = self.shape.slice(-2).map((dim, i) => {
      const bounds = [call.scalar(0, 'int64'), call.size(dim), call.scalar(1, 'int64')];
      const counted = call.op('Range', bounds, {}, { shape: [dim] });
      return i === 0 ? call.unsqueeze(call.op('Add', [counted, call.scalar(shift, 'int64')]), [1]) : counted;
    });
    const isKept = call.ask(isUpper ? 'GreaterOrEqual' : 'LessOrEqual', columns, rows);
    return call.where(isKept, x, call.scalar(0, x.dtype));
  };

/** Operators that read a tensor along other lines, or parts of it. */
export const windowEmitters: OnnxEmitters = {
  'aten.unfold.default': unfold,
  'aten.diagonal.default': diagonal,
  'aten.as_strided.default': asStrided,
  'aten.tril.default': triangle(false),
  'aten.triu.default': triangle(true),
  'octavo.windows.default': windowsOfImages,
  'octavo.fold_windows.default': foldWindows,
};
