/** Where the positions of a resized axis are among the old ones. */

/** An axis of one extent that becomes one of another. */
export interface ResizedAxis {
  readonly from: number;
  readonly to: number;
  /** The factor that was asked for, which the extents may round: `to / from` where none was. */
  readonly scale: number;
  /** Of an axis that is cropped first: the ends, as parts of the old extent. */
  readonly crop: readonly [start: number, end: number];
}

/** Kernels compute places in single precision, and round them: so must the tables, or ties fall otherwise. */
const { fround } = Math;

type Transformation = (at: number, axis: ResizedAxis) => number | undefined;

const halfPixel: Transformation = (at, { scale }) => fround(fround(fround(at + 0.5) / fround(scale)) - 0.5);

/** ONNX's `coordinate_transformation_mode` of `Resize`. */
const transformations = {
  half_pixel: halfPixel,
  half_pixel_symmetric: (at, axis) => {
    const { from, to, scale } = axis;
    const adjustment = fround(to / (fround(scale) * from));
    return fround(fround((from / 2) * (1 - adjustment)) + halfPixel(at, axis)!);
  },
  pytorch_half_pixel: (at, axis) => (axis.to > 1 ? halfPixel(at, axis) : 0),
  align_corners: (at, { from, to }) => (to === 1 ? 0 : fround(fround(at * (from - 1)) / (to - 1))),
  asymmetric: (at, { scale }) => fround(at / fround(scale)),
  tf_crop_and_resize: (at, { from, to, crop: [start, end] }) => {
    const last = from - 1;
    const place =
      to > 1
        ? fround(fround(start * last) + fround(fround(at * fround(end - start) * last) / (to - 1)))
        : fround(0.5 * fround(start + end) * last);
    return place < 0 || place > last ? undefined : place;
  },
} as const satisfies Record<string, Transformation>;

/** A name of ONNX's `coordinate_transformation_mode`. */
export type Coordinates = keyof typeof transformations;

/** The names. */
export const coordinateModes = Object.keys(transformations) as readonly Coordinates[];

/** The place of each new position; undefined outside of a cropped image. */
export const placesOf = (axis: ResizedAxis, coordinates: Coordinates): (number | undefined)[] =>
  Array.from({ length: axis.to }, (_, at) => transformations[coordinates](at, axis));

/** ONNX's `nearest_mode` of `Resize`. */
const roundings = {
  round_prefer_floor: (place: number) => Math.ceil(place - 0.5),
  round_prefer_ceil: (place: number) => Math.floor(place + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

/** A name of ONNX's `nearest_mode`. */
export type Rounding = keyof typeof roundings;

/** The names. */
export const roundingModes = Object.keys(roundings) as readonly Rounding[];

/** The old position nearest to each place; -1 outside of a cropped image. */
export const nearestTo = (
  places: readonly (number | undefined)[],
  rounding: Rounding,
  extent: number,
): number[] =>
  places.map((place) =>
    place === undefined ? -1 : Math.min(Math.max(roundings[rounding](place), 0), extent - 1),
  );
