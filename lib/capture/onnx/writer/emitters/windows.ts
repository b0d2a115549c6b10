import { type Dim, mulDims } from '../../../../graph/index.ts';
import { Tensor } from '../../../../tensor/index.ts';
import type { OnnxCall, OnnxEmitters } from '../call.ts';
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

/** Operators that read a tensor along other lines. */
export const windowEmitters: OnnxEmitters = {
  'aten.unfold.default': unfold,
  'aten.diagonal.default': diagonal,
  'octavo.windows.default': windowsOfImages,
  'octavo.fold_windows.default': foldWindows,
};
