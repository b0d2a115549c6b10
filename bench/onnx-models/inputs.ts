import { fileURLToPath } from 'node:url';
import { loadNpz } from '../../lib/formats/npz.ts';
import { Tensor } from '../../lib/index.ts';

const glyphs = (await loadNpz(fileURLToPath(new URL('../../models/glyphs/test.npz', import.meta.url)))).get(
  'x',
)!.data as Uint8Array;
const side = 32;

/** Numbers in [0, 1), the same for the same seed. */
function random(seed: number): () => number {
  let state = seed * 2654435761;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/**
 * A picture of values from 0 to 1: a slope of colours, with rectangles and strokes on it and a little noise. Networks for
 * images answer with something other than nothing, which random numbers do not make them do.
 */
function picture(channels: number, height: number, width: number, seed: number): Float32Array {
  const next = random(seed);
  const pixels = new Float32Array(channels * height * width);
  const paint = (top: number, left: number, tall: number, wide: number, colour: readonly number[]) => {
    for (let c = 0; c < channels; c++)
      for (let y = Math.max(0, top); y < Math.min(height, top + tall); y++)
        for (let x = Math.max(0, left); x < Math.min(width, left + wide); x++)
          pixels[(c * height + y) * width + x] = colour[c % colour.length];
  };
  const colour = () => [next(), next(), next()];
  for (let i = 0; i < 16; i++)
    paint(Math.floor((i * height) / 16), 0, Math.ceil(height / 16), width, [0.5 + i / 32, 0.7, 0.9 - i / 40]);
  for (let i = 0; i < 4; i++)
    paint(
      ...([next() * height, next() * width, (next() * height) / 2, (next() * width) / 2].map(Math.floor) as [
        number,
        number,
        number,
        number,
      ]),
      colour(),
    );
  // Upright strokes and the bars between them, side by side as letters are.
  const size = Math.max(8, Math.floor(Math.min(height, width) / 6));
  for (let row = size; row + size < height; row += 2 * size)
    for (let at = size; at + size < width; at += size) {
      const ink = [next() / 4, next() / 4, next() / 4];
      const thick = Math.max(1, Math.floor(size / 6));
      paint(row, at, size, thick, ink);
      if (next() < 0.6) paint(row + Math.floor(next() * size), at, thick, Math.floor(size * 0.7), ink);
      if (next() < 0.5) paint(row, at + Math.floor(size * 0.6), size, thick, ink);
    }
  for (let i = 0; i < pixels.length; i++)
    pixels[i] = Math.min(1, Math.max(0, pixels[i] + (next() - 0.5) / 16));
  return pixels;
}

/** Pictures [N, C, H, W], as bytes and then as `(byte / 255 - mean) / deviation`. */
export function pictures(shape: readonly number[], seed: number, mean: number, deviation: number): Tensor {
  const [batch, channels, height, width] = shape;
  const data = new Float32Array(batch * channels * height * width);
  for (let i = 0; i < batch; i++)
    data.set(picture(channels, height, width, 100 * seed + i), i * channels * height * width);
  return new Tensor(
    'float32',
    data.map((value) => (Math.round(value * 255) / 255 - mean) / deviation),
    shape,
  );
}

/** Characters side by side [N, 3, H, W], of the glyphs' test images: what networks for text find. */
export function text(shape: readonly number[], seed: number, mean: number, deviation: number): Tensor {
  const [batch, channels, height, width] = shape;
  const [rows, columns] = [Math.ceil(height / side), Math.ceil(width / side)];
  const data = new Float32Array(batch * channels * height * width);
  for (let i = 0; i < data.length; i++) {
    const [x, y] = [i % width, Math.floor(i / width) % height];
    const plane = Math.floor(i / (height * width));
    const [n, c] = [Math.floor(plane / channels), plane % channels];
    const tile = (n * rows + Math.floor(y / side)) * columns + Math.floor(x / side);
    const glyph = (seed * 25 + tile) % (glyphs.length / (channels * side * side));
    const byte = glyphs[((glyph * channels + c) * side + (y % side)) * side + (x % side)];
    data[i] = (byte / 255 - mean) / deviation;
  }
  return new Tensor('float32', data, shape);
}

/** The same as pictures with channels last [N, H, W, C]; `last` is written into channels beyond the third. */
export function channelsLast(
  shape: readonly number[],
  seed: number,
  mean: number,
  deviation: number,
  last = 1,
): Tensor {
  const [batch, height, width, channels] = shape;
  const planes = pictures([batch, 3, height, width], seed, mean, deviation).data as Float32Array;
  const data = new Float32Array(batch * height * width * channels);
  const pixels = height * width;
  for (let n = 0; n < batch; n++)
    for (let p = 0; p < pixels; p++)
      for (let c = 0; c < channels; c++)
        data[(n * pixels + p) * channels + c] = c < 3 ? planes[(n * 3 + c) * pixels + p] : last;
  return new Tensor('float32', data, shape);
}

/** Sound: some tones that come and go, and noise. */
export function sound(shape: readonly number[], seed: number, loudness = 1): Tensor {
  const next = random(seed);
  const [batch, samples] = shape;
  const data = new Float32Array(batch * samples);
  for (let n = 0; n < batch; n++) {
    const tones = Array.from({ length: 5 }, () => ({
      pitch: 0.01 + next() / 4,
      phase: next() * 6,
      slow: next() / 400,
    }));
    for (let i = 0; i < samples; i++) {
      const sum = tones.reduce(
        (all, { pitch, phase, slow }) => all + Math.sin(pitch * i + phase) * Math.cos(slow * i),
        0,
      );
      data[n * samples + i] = loudness * (sum / 8 + (next() - 0.5) / 20);
    }
  }
  return new Tensor('float32', data, shape);
}

/** Numbers of a normal distribution. */
export function normal(shape: readonly number[], seed: number, mean = 0, deviation = 1): Tensor {
  const next = random(seed);
  const numel = shape.reduce((a, b) => a * b, 1);
  const values = Float32Array.from(
    { length: numel },
    () => mean + deviation * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  );
  return new Tensor('float32', values, shape);
}
