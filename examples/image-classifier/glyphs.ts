import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadNpz, loadPt2, quantizeStatic } from 'octavo';
import { preprocessingMetadata, readDataset } from 'octavo/data';
import sharp from 'sharp';

const models = fileURLToPath(new URL('../../models', import.meta.url));

export const characters: readonly string[] = [...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'];

/** Writes the project's network for characters to a folder, in int8, and returns the path. */
export async function saveGlyphs(folder: string): Promise<string> {
  const float = await loadPt2(join(models, 'glyph_resnet.pt2'));
  const images = await readDataset(join(models, 'glyphs/calib.npz'), {
    model: float,
    preprocessing: { mean: [0.5], std: [0.25] },
  });
  const metadata = preprocessingMetadata(images.preprocessing!);
  using model = await quantizeStatic(float, images.inputs(), { metadata });
  const path = join(folder, 'glyphs.octavo');
  await model.save(path);
  return path;
}

/** A picture to try. */
export interface Sample {
  /** In words, for those who do not see it. */
  readonly description: string;
  readonly png: Buffer;
}

/** Test images that are easy to read. */
const chosen = [0, 7, 20, 23, 33, 40, 45, 53];

/** Some of the images that the network was tested with. */
export async function glyphSamples(): Promise<readonly Sample[]> {
  const arrays = await loadNpz(join(models, 'glyphs/test.npz'));
  const { data, shape } = arrays.get('x')!;
  const classes = arrays.get('y')!.toArray().map(Number);
  const [, , height, width] = shape;
  const plane = width * height;
  return Promise.all(
    chosen.map(async (image) => {
      const pixels = Buffer.alloc(3 * plane);
      for (let i = 0; i < pixels.length; i++)
        pixels[i] = Number(data[(3 * image + (i % 3)) * plane + Math.floor(i / 3)]);
      const png = await sharp(pixels, { raw: { width, height, channels: 3 } })
        .png()
        .toBuffer();
      return { description: characters[classes[image]], png };
    }),
  );
}
