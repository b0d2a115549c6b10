import { randomInt, randomLcg, randomNormal, randomUniform } from 'd3-random';
import type { Font } from 'fontkit';
import sharp from 'sharp';
import { loadFonts } from './fonts.ts';

/** What the images show; a class is a place in it. */
export const characters = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';
/** Pixels in height and width. */
export const size = 32;

/** Images [3, 32, 32] of bytes one after the other, and what each shows. */
export interface Glyphs {
  readonly pixels: Uint8Array;
  readonly classes: readonly number[];
}

/** Draws characters in random fonts, colours, places and turns, blurred and noisy; the same for the same seed. */
export async function drawGlyphs(count: number, seed: number): Promise<Glyphs> {
  const source = randomLcg(seed);
  const between = (low: number, high: number) => randomUniform.source(source)(low, high)();
  const noise = randomNormal.source(source)(0, 1);
  const among = <T>(list: readonly T[]) => list[randomInt.source(source)(0, list.length)()];
  const fonts = await loadFonts();
  const pixels = new Uint8Array(count * 3 * size * size);
  const classes = Array.from({ length: count }, (_, i) => i % characters.length);
  for (let start = 0; start < count; start += atOnce) {
    const outlines = classes.slice(start, start + atOnce).map((each) => ({
      svg: outline(among(among(fonts)), characters[each], between),
      blur: between(0, 1) < 0.6 ? between(0.3, 1) : 0,
    }));
    const rasters = await Promise.all(outlines.map(raster));
    for (const [i, coverage] of rasters.entries()) {
      const [ink, paper] = colours(between);
      const grain = between(0, 1) < 0.8 ? between(2, 25) : 0;
      const image = pixels.subarray((start + i) * 3 * size * size, (start + i + 1) * 3 * size * size);
      for (let p = 0; p < image.length; p++) {
        const [channel, share] = [Math.floor(p / size ** 2), coverage[p % size ** 2] / 255];
        const value = ink[channel] * share + paper[channel] * (1 - share) + grain * noise();
        image[p] = Math.min(Math.max(Math.round(value), 0), 255);
      }
    }
  }
  return { pixels, classes };
}

/** Outlines that sharp's threads fill together. */
const atOnce = 64;

type Between = (low: number, high: number) => number;

/** An SVG of the character alone, white on black. */
function outline(font: Font, character: string, between: Between): string {
  const { path } = font.glyphForCodePoint(character.codePointAt(0)!);
  const { minX, minY, maxX, maxY } = path.bbox;
  const scale = between(11, 23) / Math.max(maxY - minY, (maxX - minX) * 0.9);
  const [x, y] = [size / 2 + between(-4, 4), size / 2 + between(-4, 4)];
  const bolder = between(0, 0.04) * font.unitsPerEm;
  // Fonts count upwards, images downwards.
  const transform = [
    `translate(${x} ${y})`,
    `rotate(${between(-15, 15)})`,
    `skewX(${between(-15, 15)})`,
    `scale(${scale * between(0.8, 1.2)} ${-scale})`,
    `translate(${-(minX + maxX) / 2} ${-(minY + maxY) / 2})`,
  ].join(' ');
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}"><rect width="100%" height="100%"/>` +
    `<path fill="#fff" stroke="#fff" stroke-width="${bolder}" transform="${transform}" d="${path.toSVG()}"/></svg>`
  );
}

/** How much of each pixel is ink, from 0 to 255. */
async function raster({ svg, blur }: { readonly svg: string; readonly blur: number }): Promise<Uint8Array> {
  const image = sharp(Buffer.from(svg)).greyscale();
  return (blur > 0.3 ? image.blur(blur) : image).raw().toBuffer();
}

type Colour = readonly [number, number, number];

/** Two colours that can be told apart. */
function colours(between: Between): readonly [Colour, Colour] {
  const colour = (): Colour => [between(0, 255), between(0, 255), between(0, 255)];
  const grey = ([red, green, blue]: Colour) => 0.3 * red + 0.59 * green + 0.11 * blue;
  while (true) {
    const [ink, paper] = [colour(), colour()];
    if (Math.abs(grey(ink) - grey(paper)) > 25) return [ink, paper];
  }
}
