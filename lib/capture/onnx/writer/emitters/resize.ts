import type { Dim } from '../../../../graph/index.ts';
import { Tensor } from '../../../../tensor/index.ts';
import { gridModes, gridPaddings } from '../../names.ts';
import { float, type OnnxCall, type OnnxEmitter, type OnnxEmitters, upTo } from '../call.ts';
import type { OnnxAttributes } from '../graph-builder.ts';
import type { OnnxValue } from '../value.ts';

/** Some axes resized to sizes; `scales`, where they say more than the sizes do. */
interface Resizing {
  readonly axes: readonly number[];
  readonly sizes: readonly Dim[];
  readonly scales?: readonly number[] | undefined;
  readonly roi?: readonly number[] | undefined;
}

/** Axes can be named since operator set 18; before, all are listed. */
function resize(call: OnnxCall, x: OnnxValue, resizing: Resizing, attributes: OnnxAttributes): OnnxValue {
  const { axes, sizes, scales, roi } = resizing;
  const isNamed = call.opset >= 18;
  const spread = <T>(list: readonly T[], otherwise: (axis: number) => T): T[] =>
    isNamed ? [...list] : upTo(x.rank).map((axis) => list[axes.indexOf(axis)] ?? otherwise(axis));
  const [starts, ends] = roi ? [roi.slice(0, axes.length), roi.slice(axes.length)] : [[], []];
  const region = roi
    ? call.constant(Tensor.from('float32', [...spread(starts, () => 0), ...spread(ends, () => 1)]))
    : null;
  const given: readonly (OnnxValue | null)[] = scales
    ? [
        call.constant(
          Tensor.from(
            'float32',
            spread(scales, () => 1),
          ),
        ),
      ]
    : [null, call.sizes(spread(sizes, (axis) => x.shape[axis]))];
  return call.op('Resize', [x, region, ...given], { ...(isNamed ? { axes } : {}), ...attributes });
}

/** A float32 whose product with the extent is not below the size: a scale is rounded to float32 in the file. */
function scaleFor(factor: number, extent: number, size: number): number {
  let scale = Math.fround(factor);
  const bits = new Float32Array([scale]);
  const words = new Int32Array(bits.buffer);
  while (Math.floor(Math.fround(scale * extent)) < size) {
    words[0]++;
    scale = bits[0];
  }
  return scale;
}

/**
 * Factors where a call names some that its sizes do not follow from: they say where the positions are, unless corners are
 * aligned.
 */
function namedFactors(call: OnnxCall): readonly number[] | undefined {
  const { args, self, meta } = call;
  const has = (argument: string) => args.schema.arguments.some(({ name }) => name === argument);
  if (has('align_corners') && args.bool('align_corners')) return undefined;
  const names = ['scales', 'scales_d', 'scales_h', 'scales_w'];
  const given = has('scale_factors')
    ? (args.optionalNumbers('scale_factors') ?? [])
    : names.filter(has).map((name) => args.optionalNumber(name));
  const sizes = meta.shape.slice(2);
  const isSaid = sizes.some((size, i) => {
    const [factor, extent] = [given[i], self.shape[2 + i]];
    return typeof factor === 'number' && typeof extent === 'number' && extent * factor !== size;
  });
  if (!isSaid) return undefined;
  const what = 'an extent that is resized by a factor';
  return sizes.map((size, i) => given[i] ?? call.static(size, what) / call.static(self.shape[2 + i], what));
}

const interpolation =
  (spatial: number, attributesOf: (call: OnnxCall) => OnnxAttributes): OnnxEmitter =>
  (call) => {
    const x = call.cast(call.self, call.working('Where'));
    const sizes = call.meta.shape.slice(2);
    const axes = upTo(spatial).map((i) => i + 2);
    const scales = namedFactors(call)?.map((factor, i) =>
      scaleFor(factor, x.shape[2 + i] as number, sizes[i] as number),
    );
    return resize(call, x, { axes, sizes, scales }, attributesOf(call));
  };

const aligned = ({ args }: OnnxCall): OnnxAttributes => ({
  coordinate_transformation_mode: args.bool('align_corners') ? 'align_corners' : 'half_pixel',
});
const linear = (call: OnnxCall): OnnxAttributes => ({ mode: 'linear', ...aligned(call) });
const cubic = (call: OnnxCall): OnnxAttributes => ({
  mode: 'cubic',
  cubic_coeff_a: float(-0.75),
  ...aligned(call),
});

/** Against aliasing; PyTorch's cubic kernel is another one there. */
const smooth =
  (mode: 'linear' | 'cubic') =>
  (call: OnnxCall): OnnxAttributes => {
    call.since(18, "Resize with 'antialias'");
    if (call.args.bool('align_corners'))
      throw new Error('ONNX has no resizing with antialias and align_corners as PyTorch computes it');
    return {
      mode,
      antialias: 1,
      exclude_outside: 1,
      ...(mode === 'cubic' ? { cubic_coeff_a: float(-0.5) } : {}),
    };
  };

/**
 * The nearest elements. Where a factor says the places they are chosen by PyTorch's positions: one that falls between two
 * elements would fall otherwise by the factor's last digit.
 */
const nearestOf =
  (name: string, spatial: number, attributes: OnnxAttributes): OnnxEmitter =>
  (call) => {
    const factors = namedFactors(call);
    if (!factors) return interpolation(spatial, () => attributes)(call);
    return factors.reduce((image, factor, i) => {
      const extent = call.self.shape[2 + i] as number;
      const ramp = Tensor.from('float32', upTo(extent), [1, 1, extent]);
      const positions = call.fold(`aten.${name}1d.vec`, ramp, null, [factor]);
      return call.op('Gather', [image, call.integers(positions.toArray())], { axis: 2 + i });
    }, call.self);
  };

const nearest: OnnxAttributes = {
  mode: 'nearest',
  coordinate_transformation_mode: 'asymmetric',
  nearest_mode: 'floor',
};
const nearestExact: OnnxAttributes = {
  mode: 'nearest',
  coordinate_transformation_mode: 'half_pixel',
  nearest_mode: 'round_prefer_ceil',
};

const both = (
  name: string,
  spatial: number,
  attributesOf: (call: OnnxCall) => OnnxAttributes,
): OnnxEmitters => {
  const emit = interpolation(spatial, attributesOf);
  return { [`aten.${name}.default`]: emit, [`aten.${name}.vec`]: emit };
};

const bothNearest = (name: string, spatial: number, attributes: OnnxAttributes): OnnxEmitters => {
  const emit = nearestOf(name, spatial, attributes);
  return { [`aten.${name}${spatial}d.default`]: emit, [`aten.${name}${spatial}d.vec`]: emit };
};

/** Octavo's operator of ONNX's `Resize`, with its names. */
function resizeAsOnnx(call: OnnxCall): OnnxValue {
  const { args, self } = call;
  const antialias = args.bool('antialias');
  if (antialias) call.since(18, "Resize with 'antialias'");
  if (args.string('coordinates') === 'half_pixel_symmetric') call.since(19, "Resize 'half_pixel_symmetric'");
  const axes = args.numbers('axes').map((axis) => call.axisOf(axis, self.rank));
  return resize(
    call,
    self,
    {
      axes,
      sizes: args.dims('size'),
      scales: args.optionalNumbers('scales') ?? undefined,
      roi: args.optionalNumbers('roi') ?? undefined,
    },
    {
      mode: args.string('mode'),
      coordinate_transformation_mode: args.string('coordinates'),
      nearest_mode: args.string('nearest'),
      cubic_coeff_a: float(args.number('cubic_coeff')),
      exclude_outside: Number(args.bool('exclude_outside')),
      extrapolation_value: float(args.number('extrapolation')),
      ...(antialias ? { antialias: 1 } : {}),
    },
  );
}

function roiAlign(call: OnnxCall): OnnxValue {
  const { args, meta } = call;
  const isAligned = args.bool('aligned');
  if (isAligned) call.since(16, 'RoiAlign with half pixels');
  return call.op(
    'RoiAlign',
    ['input', 'regions', 'images'].map((name) => args.tensor(name)),
    {
      mode: 'avg',
      spatial_scale: float(args.number('scale')),
      output_height: args.number('height'),
      output_width: args.number('width'),
      sampling_ratio: args.number('samples'),
      ...(call.opset >= 16 && {
        coordinate_transformation_mode: isAligned ? 'half_pixel' : 'output_half_pixel',
      }),
    },
    { dtype: 'float32', shape: meta.shape },
  );
}

function gridSample(call: OnnxCall): OnnxValue {
  const { args } = call;
  call.since(16, 'GridSample');
  const inputs = [args.tensor('input'), args.tensor('grid')];
  return call.op('GridSample', inputs, {
    mode: gridModes[args.number('interpolation_mode')][0],
    padding_mode: gridPaddings[args.number('padding_mode')],
    align_corners: Number(args.bool('align_corners')),
  });
}

function affineGrid(call: OnnxCall): OnnxValue {
  call.since(20, 'AffineGrid');
  const { args } = call;
  return call.op('AffineGrid', [args.tensor('theta'), call.sizes(args.dims('size'))], {
    align_corners: Number(args.bool('align_corners')),
  });
}

/** Images of another size, and samples along a grid. */
export const resizeEmitters: OnnxEmitters = {
  ...Object.assign(
    {},
    ...[1, 2, 3].map((spatial) => ({
      ...bothNearest('upsample_nearest', spatial, nearest),
      ...bothNearest('_upsample_nearest_exact', spatial, nearestExact),
    })),
  ),
  ...both('upsample_linear1d', 1, linear),
  ...both('upsample_bilinear2d', 2, linear),
  ...both('upsample_trilinear3d', 3, linear),
  ...both('upsample_bicubic2d', 2, cubic),
  ...both('_upsample_bilinear2d_aa', 2, smooth('linear')),
  ...both('_upsample_bicubic2d_aa', 2, smooth('cubic')),
  'octavo.resize.default': resizeAsOnnx,
  'aten.grid_sampler.default': gridSample,
  'octavo.roi_align.default': roiAlign,
  'aten.affine_grid_generator.default': affineGrid,
};
