/** Quantizes a trained network with the quantizer next door, and counts how often both classify alike. */
import { fileURLToPath } from 'node:url';
import { calibrate, compile, convertPt2e, loadNpz, loadPt2, lower, preparePt2e, Tensor } from 'octavo';
import { SymmetricQuantizer } from './symmetric-quantizer.ts';

const models = fileURLToPath(new URL('../../models/', import.meta.url));
const images = (await loadNpz(`${models}glyphs/calib.npz`)).get('x')!;
const pixels = Float32Array.from(images.data as Uint8Array, (value) => (value / 255 - 0.5) / 0.25);
const x = new Tensor('float32', pixels, images.shape);

const captured = await loadPt2(`${models}glyph_resnet.pt2`);
const prepared = preparePt2e(captured, new SymmetricQuantizer());
await calibrate(prepared, [x]);
const lowered = lower(convertPt2e(prepared));
const integers = lowered.module.graph.nodes.filter(({ target }) => target.startsWith('onednn.q')).length;
console.log(`${integers} operators run in 8-bit integer kernels`);

/** The class of every image: where its largest logit is. */
async function classify(module: typeof captured): Promise<number[]> {
  const model = compile(module);
  const [logits] = Object.values(await model.run(x));
  model.dispose();
  const [count, classes] = logits.shape;
  return Array.from({ length: count }, (_, i) => {
    const scores = [...(logits.data.slice(i * classes, (i + 1) * classes) as Float32Array)];
    return scores.indexOf(Math.max(...scores));
  });
}

const [float, quantized] = [await classify(lower(captured).module), await classify(lowered.module)];
const alike = quantized.filter((digit, i) => digit === float[i]).length;
console.log(`${alike} of ${float.length} images are classified as in float32`);
