import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { create, type Font } from 'fontkit';

/** Free fonts of the package registry, by the names of their packages, and the weights that are drawn. */
const families: Readonly<Record<string, readonly number[]>> = {
  'courier-prime': [400, 700],
  'ibm-plex-mono': [300, 400, 700],
  'ibm-plex-serif': [300, 400, 700],
  'josefin-sans': [300, 400, 700],
  lato: [300, 400, 700],
  nunito: [300, 400, 700],
  oswald: [300, 400, 700],
  'playfair-display': [400, 700],
  'pt-serif': [400, 700],
  'work-sans': [300, 400, 700],
  'zilla-slab': [300, 400, 700],
};
const slanted = new Set(['oswald']);

/** The fonts of each family: upright and, where there are some, italic. */
export async function loadFonts(): Promise<readonly (readonly Font[])[]> {
  const { resolve } = createRequire(import.meta.url);
  const load = async (family: string, weight: number, style: string) => {
    const path = resolve(`@fontsource/${family}/files/${family}-latin-${weight}-${style}.woff`);
    return create(await readFile(path)) as Font;
  };
  return Promise.all(
    Object.entries(families).map(([family, weights]) => {
      const styles = slanted.has(family) ? ['normal'] : ['normal', 'italic'];
      return Promise.all(weights.flatMap((weight) => styles.map((style) => load(family, weight, style))));
    }),
  );
}
