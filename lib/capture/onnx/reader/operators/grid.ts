import type { OnnxCall, OperatorTable } from '../call.ts';
import type { OnnxValue } from '../values.ts';

/** PyTorch's numbers of the modes; operator set 20 renamed some. */
const modes: Readonly<Record<string, number>> = {
  bilinear: 0,
  linear: 0,
  nearest: 1,
  bicubic: 2,
  cubic: 2,
};
const paddings: Readonly<Record<string, number>> = { zeros: 0, border: 1, reflection: 2 };

function gridSample(call: OnnxCall): OnnxValue {
  const [mode, padding] = [
    call.attributes.string('mode', 'linear'),
    call.attributes.string('padding_mode', 'zeros'),
  ];
  if (!Object.hasOwn(modes, mode)) throw new Error(`the mode '${mode}' is unknown`);
  if (!Object.hasOwn(paddings, padding)) throw new Error(`the padding_mode '${padding}' is unknown`);
  const aligns = call.attributes.int('align_corners', 0) === 1;
  const arguments_ = [modes[mode], paddings[padding], aligns] as const;
  return call.call('aten.grid_sampler.default', call.input(0), call.input(1), ...arguments_);
}

function affineGrid(call: OnnxCall): OnnxValue {
  const aligns = call.attributes.int('align_corners', 0) === 1;
  return call.call('aten.affine_grid_generator.default', call.input(0), call.sizes(1, 'the size'), aligns);
}

/** Samples at computed places. */
export const gridReaders: OperatorTable = { GridSample: gridSample, AffineGrid: affineGrid };
