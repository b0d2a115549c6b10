const named = (names: readonly string[]): readonly string[] =>
  names.map((name) => (name.includes('.') ? `aten.${name}` : `aten.${name}.default`));

/**
 * Operators whose result nothing flows back through, though they read tensors of floats: of some only the shape, and rounded
 * quotients are flat everywhere.
 */
export const stops: ReadonlySet<string> = new Set(
  named([
    ...['detach', 'detach_copy', 'zeros_like', 'ones_like', 'full_like', 'empty_like'],
    ...['new_zeros', 'new_ones', 'new_full', 'new_empty', 'zero', 'fill.Scalar'],
    ...['floor_divide', 'floor_divide.Scalar'],
  ]),
);

const because = (reason: string, names: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(names.map((name) => [name, reason]));

/** Operators that a loss can depend on and that have no gradient, each with what to say about it. */
export const withoutGradient: Readonly<Record<string, string>> = {
  ...because('the maps of places are not trained', [
    ...named(['affine_grid_generator', 'grid_sampler', 'grid_sampler_2d', 'grid_sampler_3d']),
    'octavo.roi_align.default',
  ]),
  ...because("there is one of PyTorch's interpolation, aten.upsample_*", ['octavo.resize.default']),
  ...because('products and extrema of scattered elements are not trained', [
    ...named(['index_reduce', 'scatter.reduce', 'scatter.value_reduce']),
  ]),
  ...because('what it says of two values is measured, not trained', ['octavo.compare.default']),
  ...because("there is one of PyTorch's GRU, which resets after the product", [
    'octavo.gru_layer.reset_first',
  ]),
};
