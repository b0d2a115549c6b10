import { gridModes, gridPaddings } from '../../names.ts';
import type { OnnxCall, OperatorReader, OperatorTable } from '../call.ts';
import type { OnnxValue } from '../values.ts';

function gridSample(call: OnnxCall): OnnxValue {
  const [mode, padding] = [
    call.attributes.string('mode', 'linear'),
    call.attributes.string('padding_mode', 'zeros'),
  ];
  const interpolation = gridModes.findIndex((names) => names.includes(mode));
  if (interpolation < 0) throw new Error(`the mode '${mode}' is unknown`);
  if (!gridPaddings.includes(padding)) throw new Error(`the padding_mode '${padding}' is unknown`);
  const aligns = call.attributes.int('align_corners', 0) === 1;
  const arguments_ = [interpolation, gridPaddings.indexOf(padding), aligns] as const;
  return call.call('aten.grid_sampler.default', call.input(0), call.input(1), ...arguments_);
}

function affineGrid(call: OnnxCall): OnnxValue {
  const aligns = call.attributes.int('align_corners', 0) === 1;
  return call.call('aten.affine_grid_generator.default', call.input(0), call.sizes(1, 'the size'), aligns);
}

/** Before operator set 16 pixels were not points in the middle of squares. */
const roiAlign =
  (otherwise: string): OperatorReader =>
  (call) => {
    const { attributes } = call;
    const [mode, coordinates] = [
      attributes.string('mode', 'avg'),
      attributes.string('coordinate_transformation_mode', otherwise),
    ];
    if (mode !== 'avg') throw new Error(`the mode '${mode}' is not supported; 'avg' is`);
    if (coordinates !== 'half_pixel' && coordinates !== 'output_half_pixel')
      throw new Error(`the coordinate_transformation_mode '${coordinates}' is unknown`);
    return call.call(
      'octavo.roi_align.default',
      call.input(0),
      call.input(1),
      call.cast(call.input(2), 'int64'),
      attributes.float('spatial_scale', 1),
      attributes.int('output_height', 1),
      attributes.int('output_width', 1),
      attributes.int('sampling_ratio', 0),
      coordinates === 'half_pixel',
    );
  };

/** Samples at computed places. */
export const gridReaders: OperatorTable = {
  GridSample: gridSample,
  AffineGrid: affineGrid,
  RoiAlign: { 10: roiAlign('output_half_pixel'), 16: roiAlign('half_pixel') },
};
