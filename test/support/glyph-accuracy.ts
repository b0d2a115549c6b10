import { loadPt2 } from '../../lib/capture/index.ts';
import { loadNpz } from '../../lib/formats/npz.ts';
import type { GraphModule } from '../../lib/graph/index.ts';
import type { CompiledModel } from '../../lib/runtime/index.ts';
import type { Tensor } from '../../lib/tensor/index.ts';
import { correctClasses } from '../../lib/training/correct-classes.ts';
import { glyphBatch } from './pt2e-goldens.ts';

const model = (path: string) => new URL(`../../models/${path}`, import.meta.url).pathname;
const batch = 100;

/** Read anew: tests change its weights. */
export const glyphMobilenet = (): Promise<GraphModule> => loadPt2(model('glyph_mobilenet.pt2'));

/** Batches of 64. */
export const calibrationImages = (batches: number): Promise<Tensor[]> =>
  Promise.all(Array.from({ length: batches }, (_, i) => glyphBatch('calib.npz', 64 * i, 64)));

/** Percent of the first test images that a model classifies as their labels say. */
export function evaluateGlyphs(images: number): (model: CompiledModel) => Promise<number> {
  const starts = Array.from({ length: images / batch }, (_, i) => i * batch);
  const inputs = Promise.all(starts.map((start) => glyphBatch('test.npz', start, batch)));
  const labels = loadNpz(model('glyphs/test.npz')).then((arrays) => arrays.get('y')!.toArray().map(Number));
  return async (compiled) => {
    let correct = 0;
    for (const [i, input] of (await inputs).entries()) {
      const [logits] = Object.values(await compiled.run(input));
      correct += correctClasses(logits, (await labels).slice(i * batch, (i + 1) * batch));
    }
    return (100 * correct) / images;
  };
}
