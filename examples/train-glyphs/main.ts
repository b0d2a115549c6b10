/**
 * A small MobileNet learns to read characters, from random weights, and then to be int8, with 8-bit and with 4-bit weights:
 *
 *     npx tsx examples/train-glyphs/main.ts
 *     npx tsx examples/train-glyphs/main.ts --serve 8080
 *     curl --data-binary @character.png localhost:8080/classify
 *
 * In about ten minutes on two cores it writes to build/train-glyphs: a page with the curves of loss and accuracy, which is there after
 * the first epoch and is written anew after each, and glyphs.octavo, the int8 model. `--serve` answers with it afterwards.
 *
 * Training images are drawn from free fonts; those of the test are the project's own, of other fonts.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { loadModel } from 'octavo/runtime';
import { drawGlyphs } from './draw.ts';
import { accuracyOf, storedGlyphs, trainingBatches } from './images.ts';
import { type Result, trainingPage } from './page.ts';
import { glyphService } from './service.ts';
import { type Curve, float32, quantizeWithoutTraining, trainFloat, trainQuantized } from './training.ts';

/** How much is drawn and trained. */
export interface Effort {
  readonly images: number;
  readonly epochs: number;
  readonly qatEpochs: number;
}

const whole: Effort = { images: 12_000, epochs: 36, qatEpochs: 4 };

/** Trains all of it, and writes the page and the model to a folder. */
export async function trainGlyphs(folder: string, effort: Effort, say = console.log): Promise<Result[]> {
  await mkdir(folder, { recursive: true });
  const [test, calibration] = [await storedGlyphs('test'), await storedGlyphs('calib')];
  say(`drawing ${effort.images} images`);
  const drawn = await drawGlyphs(effort.images, 1);
  const curves = new Map<string, Curve>();
  const results: Result[] = [];
  const writePage = async () =>
    writeFile(`${folder}/training.html`, await trainingPage([...curves.values()], results));
  const report = async (curve: Curve) => {
    curves.set(curve.name, curve);
    const { epoch, accuracy } = curve.accuracies.at(-1)!;
    say(`${curve.name}: epoch ${epoch}, ${(100 * accuracy).toFixed(2)} % of the test images`);
    await writePage();
  };
  const float = await trainFloat(trainingBatches(drawn, 1), test, effort.epochs, report);
  using inFloat = float32(float);
  results.push({ weights: 'float32', trained: await accuracyOf((x) => inFloat.run(x), test) });
  for (const bits of [8, 4]) {
    using after = await quantizeWithoutTraining(float, bits, calibration);
    const images = trainingBatches(drawn, 1 + bits);
    using trained = await trainQuantized(float, bits, images, test, effort.qatEpochs, report);
    results.push({
      weights: `${bits} bits`,
      withoutTraining: await accuracyOf((x) => after.run(x), test),
      trained: await accuracyOf((x) => trained.run(x), test),
    });
    await writePage();
    if (bits === 8) await trained.save(`${folder}/glyphs.octavo`);
  }
  return results;
}

if (import.meta.filename === process.argv[1]) {
  const { values } = parseArgs({ options: { serve: { type: 'string' } } });
  const folder = 'build/train-glyphs';
  console.table(await trainGlyphs(folder, whole));
  console.log(`${folder}/training.html shows how it went`);
  if (values.serve !== undefined) {
    const model = await loadModel(`${folder}/glyphs.octavo`);
    glyphService(model).listen(Number(values.serve), () => console.log(`listening on port ${values.serve}`));
  }
}
