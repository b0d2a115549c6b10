import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { create, type Font } from 'fontkit';

/** Free fonts of the package registry, by the names of their packages, and the weights that are drawn. */
const families: Readonly<Record<string, readonly number[]>> = {
  arvo: [400, 700],
  cabin: [400, 700],
  'courier-prime': [400, 700],
  'ibm-plex-mono': [300, 400, 700],
  'ibm-plex-serif': [300, 400, 700],
  inconsolata: [300, 400, 700],
  'josefin-sans': [300, 400, 700],
  karla: [300, 400, 700],
  lato: [300, 400, 700],
  'libre-baskerville': [400, 700],
  nunito: [300, 400, 700],
  oswald: [300, 400, 700],
  'playfair-display': [400, 700],
  'pt-serif': [400, 700],
  quicksand: [300, 400, 700],
  'work-sans': [300, 400, 700],
  'zilla-slab': [300, 400, 700],
};

/** The upright fonts of each family. */
export async function loadFonts(): Promise<readonly (readonly Font[])[]> {
  const { resolve } = createRequire(import.meta.url);
  const load = async (family: string, weight: number) =>
    create(
      await readFile(resolve(`@fontsource/${family}/files/${family}-latin-${weight}-normal.woff`)),
    ) as Font;
  return Promise.all(
    Object.entries(families).map(([family, weights]) =>
      Promise.all(weights.map((weight) => load(family, weight))),
    ),
  );
}
