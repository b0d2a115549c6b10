/** How ONNX's `Resize` finds the place in the input that an output sample comes from, and mixes what is there. */
export interface Sampling {
  readonly coordinates: string;
  /** By axis: the part of the input that is resized, in units of its extent. */
  readonly roi: readonly (readonly [number, number])[] | undefined;
  readonly nearest: string;
  /** The parameter of the cubic kernel. */
  readonly cubic: number;
  readonly excludesOutside: boolean;
  readonly extrapolation: number;
  readonly antialias: boolean;
}

/** The place in the input, in elements, that output sample `i` comes from. */
export function coordinateOf(
  i: number,
  from: number,
  to: number,
  scale: number,
  { coordinates, roi }: Pick<Sampling, 'coordinates' | 'roi'>,
  axis: number,
): number {
  switch (coordinates) {
    case 'half_pixel':
      return (i + 0.5) / scale - 0.5;
    case 'pytorch_half_pixel':
      return to > 1 ? (i + 0.5) / scale - 0.5 : 0;
    case 'asymmetric':
      return i / scale;
    case 'align_corners':
      // By the extent that the scale asks for, which the output's may fall short of.
      return scale * from === 1 ? 0 : (i * (from - 1)) / (scale * from - 1);
    case 'half_pixel_symmetric': {
      // What the output lacks to a whole number of samples is divided among both ends.
      const adjustment = to / (scale * from);
      const centre = from / 2;
      return centre * (1 - adjustment) + (i + 0.5) / scale - 0.5;
    }
    case 'tf_half_pixel_for_nn':
      return (i + 0.5) / scale;
    case 'tf_crop_and_resize': {
      const [start, end] = roi?.[axis] ?? [0, 1];
      return to > 1
        ? start * (from - 1) + (i * (end - start) * (from - 1)) / (to - 1)
        : 0.5 * (start + end) * (from - 1);
    }
    default:
      throw new Error(`the coordinate_transformation_mode '${coordinates}' is unknown`);
  }
}

/** The elements that a place is mixed from, with their weights. */
export function weightsOf(
  at: number,
  extent: number,
  scale: number,
  mode: string,
  { cubic, excludesOutside, antialias }: Sampling,
): (readonly [source: number, weight: number])[] {
  if (mode !== 'linear' && mode !== 'cubic') throw new Error(`the mode '${mode}' is unknown`);
  const kernel = mode === 'linear' ? triangle : (x: number) => cubicKernel(x, cubic);
  // Against aliasing the kernel is as wide as what it leaves out.
  const narrowing = antialias ? Math.min(scale, 1) : 1;
  const reach = (mode === 'linear' ? 1 : 2) / narrowing;
  const first = Math.floor(at - reach) + 1;
  const last = Math.ceil(at + reach) - 1;
  const taps: [number, number][] = [];
  for (let source = first; source <= last; source++) {
    const isOutside = source < 0 || source >= extent;
    const weight = isOutside && excludesOutside ? 0 : kernel((source - at) * narrowing);
    taps.push([Math.min(Math.max(source, 0), extent - 1), weight]);
  }
  const total = taps.reduce((sum, [, weight]) => sum + weight, 0);
  return taps.map(([source, weight]) => [source, antialias || excludesOutside ? weight / total : weight]);
}

const triangle = (x: number): number => Math.max(0, 1 - Math.abs(x));

/** Keys' kernel of cubic convolution. */
function cubicKernel(x: number, a: number): number {
  const d = Math.abs(x);
  if (d <= 1) return (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1;
  return d < 2 ? a * d ** 3 - 5 * a * d ** 2 + 8 * a * d - 4 * a : 0;
}
