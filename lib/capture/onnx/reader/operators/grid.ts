import { gridModes, gridPaddings } from '../../names.ts';
import type { OnnxCall, OperatorTable } from '../call.ts';
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

/** Samples at computed places. */
export const gridReaders: OperatorTable = { GridSample: gridSample, AffineGrid: affineGrid };
