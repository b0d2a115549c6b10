import { dimsEqual } from '../../../../graph/index.ts';
import { Tensor } from '../../../../tensor/index.ts';
import type { OnnxCall, OperatorTable } from '../call.ts';
import type { OnnxValue } from '../values.ts';
import { positionsOf, upTo } from './common.ts';
import { coordinateOf, type Sampling, weightsOf } from './sampling.ts';

/** How one axis is resized. */
interface ResizedAxis {
  readonly axis: number;
  readonly from: number;
  readonly to: number;
  /** Output samples for each input sample, as the file says it or as the extents have it. */
  readonly scale: number;
}

interface Resizing extends Sampling {
  readonly mode: string;
  readonly axes: readonly ResizedAxis[];
}

/** The inputs of a node by what they mean, which changed with the operator sets. */
interface ResizeInputs {
  readonly roi?: number;
  readonly scales?: number;
  readonly sizes?: number;
}

const hasElements = (call: OnnxCall, input: number | undefined): input is number => {
  const value = input === undefined ? undefined : call.optional(input);
  return value !== undefined && value.shape[0] !== 0;
};

/** The axes that change. An axis that stays as it is, such as the batch, may have a size that requests choose. */
function axesOf(call: OnnxCall, inputs: ResizeInputs, { roi }: Sampling): ResizedAxis[] {
  const { shape } = call.input(0);
  const rank = shape.length;
  const named = call.attributes.ints('axes', upTo(rank)).map((axis) => call.axis(axis, rank));
  const extentOf = (axis: number) =>
    call.static(shape[axis], `the extent of axis ${axis}, which is resized,`);
  const isCropped = (axis: number) => roi !== undefined && (roi[axis][0] !== 0 || roi[axis][1] !== 1);
  if (hasElements(call, inputs.sizes)) {
    const sizes = call.sizes(inputs.sizes, 'the sizes');
    const changed = named
      .map((axis, i) => ({ axis, size: sizes[i] }))
      .filter(({ axis, size }) => isCropped(axis) || !dimsEqual(shape[axis], size))
      .map(({ axis, size }) => ({ axis, from: extentOf(axis), to: call.static(size, 'a size') }));
    return keepRatio(
      call,
      changed.map((each) => ({ ...each, scale: each.to / each.from })),
    );
  }
  const scales = call.attributes.has('scales')
    ? call.attributes.floats('scales')
    : call.numbers(inputs.scales ?? 1, 'the scales');
  return named
    .map((axis, i) => ({ axis, scale: scales[i] }))
    .filter(({ axis, scale }) => scale !== 1 || isCropped(axis))
    .map(({ axis, scale }) => {
      const from = extentOf(axis);
      return { axis, scale, from, to: Math.floor(from * scale) };
    });
}

/** Since operator set 18 sizes may be bounds, of which one scale for all axes follows. */
function keepRatio(call: OnnxCall, axes: readonly ResizedAxis[]): ResizedAxis[] {
  const policy = call.attributes.string('keep_aspect_ratio_policy', 'stretch');
  if (policy === 'stretch') return [...axes];
  const scales = axes.map(({ scale }) => scale);
  const scale = policy === 'not_larger' ? Math.min(...scales) : Math.max(...scales);
  return axes.map((each) => ({ ...each, scale, to: Math.floor(scale * each.from + 0.5) }));
}

function resizingOf(call: OnnxCall, inputs: ResizeInputs, coordinates: string): Resizing {
  const { attributes } = call;
  const rank = call.input(0).shape.length;
  const named = attributes.ints('axes', upTo(rank)).map((axis) => call.axis(axis, rank));
  const isCropped = coordinates === 'tf_crop_and_resize' && hasElements(call, inputs.roi);
  const bounds = isCropped ? call.numbers(inputs.roi!, 'the region') : undefined;
  const roi =
    bounds &&
    upTo(rank).map((axis): readonly [number, number] => {
      const i = named.indexOf(axis);
      return i < 0 ? [0, 1] : [bounds[i], bounds[i + named.length]];
    });
  const sampling: Sampling = {
    coordinates,
    roi,
    nearest: attributes.string('nearest_mode', call.opset < 11 ? 'floor' : 'round_prefer_floor'),
    cubic: attributes.float('cubic_coeff_a', -0.75),
    excludesOutside: attributes.int('exclude_outside', 0) === 1,
    extrapolation: attributes.float('extrapolation_value', 0),
    antialias: attributes.int('antialias', 0) === 1,
  };
  return { ...sampling, mode: attributes.string('mode', 'nearest'), axes: axesOf(call, inputs, sampling) };
}

const resize =
  (inputs: ResizeInputs, coordinates?: string) =>
  (call: OnnxCall): OnnxValue => {
    const mode = coordinates ?? call.attributes.string('coordinate_transformation_mode', 'half_pixel');
    const resizing = resizingOf(call, inputs, mode);
    const x = call.input(0);
    if (resizing.axes.length === 0) return x;
    return (
      torchResize(call, resizing) ??
      resizing.axes.reduce((value, axis) => resizeAxis(call, value, axis, resizing), x)
    );
  };

/** PyTorch's operator for images, where it computes the same. */
function torchResize(call: OnnxCall, resizing: Resizing): OnnxValue | undefined {
  const { mode, axes, coordinates, antialias } = resizing;
  const { shape } = call.input(0);
  const spatial = shape.length - 2;
  if (antialias || spatial < 1 || spatial > 3 || axes.some(({ axis }) => axis < 2)) return undefined;
  const found = upTo(spatial).map((i) => axes.find(({ axis }) => axis === i + 2));
  const sizes = found.map((each, i) => each?.to ?? call.static(shape[i + 2], 'an extent of the image'));
  const isExact = axes.every(({ from, to, scale }) => Math.abs(from * scale - to) < 1e-9 * to);
  if (!isExact) return undefined;
  if (mode === 'nearest')
    return isTorchNearest(resizing)
      ? call.call(`aten.upsample_nearest${spatial}d.vec`, call.input(0), sizes, null)
      : undefined;
  const aligns = coordinates === 'align_corners';
  const isHalf =
    coordinates === 'half_pixel' || (coordinates === 'pytorch_half_pixel' && sizes.every((size) => size > 1));
  if (!aligns && !isHalf) return undefined;
  if (mode === 'cubic' && spatial === 2 && resizing.cubic === -0.75 && !resizing.excludesOutside)
    return call.call('aten.upsample_bicubic2d.vec', call.input(0), sizes, aligns, null);
  if (mode !== 'linear') return undefined;
  const name = ['linear1d', 'bilinear2d', 'trilinear3d'][spatial - 1];
  return call.call(`aten.upsample_${name}.vec`, call.input(0), sizes, aligns, null);
}

/** Whether every sample is the one that PyTorch takes, `floor(i / scale)`. */
function isTorchNearest(resizing: Resizing): boolean {
  return resizing.axes.every(({ axis, from, to, scale }) =>
    upTo(to).every((i) => {
      const torch = Math.min(Math.floor((i * from) / to), from - 1);
      return nearestOf(coordinateOf(i, from, to, scale, resizing, axis), from, resizing) === torch;
    }),
  );
}

function nearestOf(at: number, extent: number, { nearest }: Sampling): number {
  const rounded = {
    floor: Math.floor(at),
    ceil: Math.ceil(at),
    round_prefer_floor: Math.ceil(at - 0.5),
    round_prefer_ceil: Math.floor(at + 0.5),
  }[nearest];
  if (rounded === undefined) throw new Error(`the nearest_mode '${nearest}' is unknown`);
  return Math.min(Math.max(rounded, 0), extent - 1);
}

/** One axis: a choice of elements, or a product with the weights of each. */
function resizeAxis(call: OnnxCall, x: OnnxValue, resized: ResizedAxis, resizing: Resizing): OnnxValue {
  const { axis, from, to, scale } = resized;
  const isNearest = resizing.mode === 'nearest';
  if (isNearest && resizing.coordinates !== 'tf_crop_and_resize') {
    const positions = upTo(to).map((i) =>
      nearestOf(coordinateOf(i, from, to, scale, resizing, axis), from, resizing),
    );
    return positionsOf(call, x, axis, positions);
  }
  // A row of weights for each place, as the left factor: with constants on the right it would be a layer.
  const weights = new Float32Array(to * from);
  let outside = false;
  const missing = new Float32Array(to);
  for (const i of upTo(to)) {
    const at = coordinateOf(i, from, to, scale, resizing, axis);
    if (resizing.coordinates === 'tf_crop_and_resize' && (at < 0 || at > from - 1)) {
      missing[i] = resizing.extrapolation;
      outside = true;
    } else if (isNearest) weights[i * from + nearestOf(at, from, resizing)] = 1;
    else
      for (const [source, weight] of weightsOf(at, from, scale, resizing.mode, resizing))
        weights[i * from + source] += weight;
  }
  const rank = x.shape.length;
  const at = Math.max(rank - 2, 0);
  const order = [...upTo(rank).filter((each) => each !== axis)].toSpliced(at, 0, axis);
  const rows = permuted(call, x, order);
  const mixed = call.call(
    'aten.matmul.default',
    call.constant(new Tensor('float32', weights, [to, from])),
    rows,
  );
  const column = rank > 1 ? [to, 1] : [to];
  const whole = outside
    ? call.call('aten.add.Tensor', mixed, call.constant(new Tensor('float32', missing, column)))
    : mixed;
  return permuted(
    call,
    whole,
    upTo(rank).map((each) => order.indexOf(each)),
  );
}

const permuted = (call: OnnxCall, x: OnnxValue, order: readonly number[]): OnnxValue =>
  order.every((axis, i) => axis === i) ? x : call.call('aten.permute.default', x, order);

/** Resizing of images and other grids, of any axes. */
export const resizeReaders: OperatorTable = {
  Upsample: { 7: resize({}, 'asymmetric'), 9: resize({ scales: 1 }, 'asymmetric') },
  Resize: { 10: resize({ scales: 1 }, 'asymmetric'), 11: resize({ roi: 1, scales: 2, sizes: 3 }) },
};
