import { loadNpz, Tensor } from 'octavo';
import { DataLoader, transforms } from 'octavo/training';
import { characters, type Glyphs, size } from './draw.ts';

export const batchSize = 64;
const pixels = 3 * size * size;

/** Images of a file: `x` uint8 [n, 3, 32, 32] and `y`. */
export async function loadGlyphs(path: string): Promise<Glyphs> {
  const arrays = await loadNpz(path);
  return { pixels: arrays.get('x')!.data as Uint8Array, classes: arrays.get('y')!.toArray().map(Number) };
}

/** Images that the project has: `test` or `calib`. */
export const storedGlyphs = (name: string): Promise<Glyphs> =>
  loadGlyphs(new URL(`../../models/glyphs/${name}.npz`, import.meta.url).pathname);

/** Bytes as the network reads them: float32 [n, 3, 32, 32], from -2 to 2. */
export function imagesOf({ pixels: bytes }: Pick<Glyphs, 'pixels'>): Tensor {
  const values = Float32Array.from(bytes, (byte) => (byte / 255 - 0.5) / 0.25);
  return new Tensor('float32', values, [bytes.length / pixels, 3, size, size]);
}

/**
 * Batches for training, each time differently turned, moved, scaled and lit: the network then learns characters, not these images.
 */
export function trainingBatches(glyphs: Glyphs, seed: number): DataLoader {
  return batches(glyphs, seed, [
    transforms.randomAffine({ degrees: 8, translate: [0.06, 0.06], scale: [0.9, 1.1], fill: 0.5 }),
    transforms.colorJitter({ brightness: 0.2, contrast: 0.2 }),
  ]);
}

/** The images as they are. */
export const plainBatches = (glyphs: Glyphs, seed: number): DataLoader => batches(glyphs, seed, []);

function batches(
  { pixels: bytes, classes }: Glyphs,
  seed: number,
  augmentation: readonly transforms.Transform[],
): DataLoader {
  const x = new Tensor('uint8', bytes, [classes.length, 3, size, size]);
  return new DataLoader(
    { inputs: { x }, targets: { labels: Tensor.from('int64', classes) } },
    {
      batchSize,
      shuffle: true,
      seed,
      dropLast: true,
      transforms: {
        x: [transforms.convertImageDtype(), ...augmentation, transforms.normalize([0.5], [0.25])],
      },
    },
  );
}

/** The share of images that a model takes for what they show. */
export async function accuracyOf(
  run: (inputs: { readonly x: Tensor }) => Promise<Readonly<Record<string, Tensor>>>,
  glyphs: Glyphs,
): Promise<number> {
  const images = imagesOf(glyphs);
  const { classes } = glyphs;
  let correct = 0;
  for (let start = 0; start < classes.length; start += batchSize) {
    const count = Math.min(batchSize, classes.length - start);
    const values = (images.data as Float32Array).subarray(start * pixels, (start + count) * pixels);
    const [logits] = Object.values(await run({ x: new Tensor('float32', values, [count, 3, size, size]) }));
    for (let i = 0; i < count; i++) if (classOf(logits, i) === classes[start + i]) correct++;
  }
  return correct / classes.length;
}

/** The class with the largest score in a row of logits. */
export function classOf({ data }: Tensor, row: number): number {
  const scores = (data as Float32Array).subarray(row * characters.length, (row + 1) * characters.length);
  return scores.indexOf(Math.max(...scores));
}
