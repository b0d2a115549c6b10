import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { characters, drawGlyphs, size } from '../../examples/train-glyphs/draw.ts';
import { accuracyOf, storedGlyphs, trainingBatches } from '../../examples/train-glyphs/images.ts';
import { trainGlyphs } from '../../examples/train-glyphs/main.ts';
import { glyphService } from '../../examples/train-glyphs/service.ts';
import { quantizeWithoutTraining, trainQuantized } from '../../examples/train-glyphs/training.ts';
import { type CompiledModel, compile, loadModel, loadPt2 } from '../../lib/index.ts';

const glyphMobileNet = () => loadPt2(new URL('../../models/glyph_mobilenet.pt2', import.meta.url).pathname);

let folder: string;

/** All of the example, in seconds: of so few images the network learns nothing. */
beforeAll(async () => {
  folder = await mkdtemp(`${tmpdir()}/train-glyphs-`);
  const results = await trainGlyphs(folder, { images: 256, epochs: 1, qatEpochs: 1 }, () => {});
  expect(results.map(({ weights }) => weights)).toEqual(['float32', '8 bits', '4 bits']);
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

it('wins back most of what weights of 4 bits cost', async () => {
  const float = await glyphMobileNet();
  const [test, images] = [await storedGlyphs('test'), await drawGlyphs(1280, 1)];
  using after = await quantizeWithoutTraining(float, 4, await storedGlyphs('calib'));
  using trained = await trainQuantized(float, 4, trainingBatches(images, 1), test, 2, () => {});
  const inFloat = 0.957;
  const lost = inFloat - (await accuracyOf((inputs) => after.run(inputs), test));
  const lostStill = inFloat - (await accuracyOf((inputs) => trained.run(inputs), test));
  expect(lost).toBeGreaterThan(0.02);
  expect(lostStill).toBeLessThan(lost / 2);
});

it('writes a page that needs nothing else', async () => {
  const page = await readFile(`${folder}/training.html`, 'utf8');
  expect(page.match(/<svg /g)).toHaveLength(2);
  for (const name of ['float32', 'QAT, 8-bit weights', 'QAT, 4-bit weights']) expect(page).toContain(name);
  expect(page).not.toMatch(/<script|<link|src=|url\(|NaN|undefined/);
});

it('draws the same images for the same seed, which a trained network reads', async () => {
  const [drawn, again, others] = await Promise.all([1, 1, 2].map((seed) => drawGlyphs(360, seed)));
  expect(Buffer.compare(drawn.pixels, again.pixels)).toBe(0);
  expect(Buffer.compare(drawn.pixels, others.pixels)).not.toBe(0);
  using trained = compile(await glyphMobileNet());
  // It was trained with other fonts, and other colours and noise.
  expect(await accuracyOf((inputs) => trained.run(inputs), drawn)).toBeGreaterThan(0.85);
});

it('answers over HTTP as the model does, and says what is wrong with a request', async () => {
  using model: CompiledModel = await loadModel(`${folder}/glyphs.octavo`);
  const server = glyphService(model).listen(0);
  await once(server, 'listening');
  const url = `http://localhost:${(server.address() as AddressInfo).port}/classify`;
  const post = async (body: Uint8Array<ArrayBuffer>) => {
    const response = await fetch(url, { method: 'POST', body });
    return { status: response.status, answer: (await response.json()) as Record<string, string> };
  };
  try {
    const { pixels } = await drawGlyphs(1, 5);
    const interleaved = Buffer.alloc(pixels.length);
    for (let i = 0; i < pixels.length; i++)
      interleaved[(i % size ** 2) * 3 + Math.floor(i / size ** 2)] = pixels[i];
    const raw = { width: size, height: size, channels: 3 } as const;
    const png = new Uint8Array(await sharp(interleaved, { raw }).png().toBuffer());
    const { status, answer } = await post(png);
    expect(status).toBe(200);
    const correct = await accuracyOf((inputs) => model.run(inputs), {
      pixels,
      classes: [characters.indexOf(answer.character)],
    });
    expect(correct).toBe(1);
    expect((await post(new Uint8Array([1, 2, 3]))).status).toBe(400);
    expect((await post(new Uint8Array(2 ** 20 + 1))).status).toBe(413);
    expect((await fetch(url)).status).toBe(404);
  } finally {
    server.close();
  }
});
