import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Classification } from '../../examples/image-classifier/answers.ts';
import { classifierApp } from '../../examples/image-classifier/app.ts';
import { PictureClassifier } from '../../examples/image-classifier/classifier.ts';
import { characters, saveGlyphs } from '../../examples/image-classifier/glyphs.ts';
import {
  type ClassifierService,
  glyphModel,
  ownModel,
  serveClassifier,
} from '../../examples/image-classifier/main.ts';
import { decodePicture } from '../../examples/image-classifier/picture.ts';
import { storedGlyphs } from '../../examples/train-glyphs/images.ts';
import { type Pixels, preprocessImage, preprocessingMetadata, readDataset } from '../../lib/data/index.ts';
import { type CompiledModel, compile, exportModel, loadModel, Tensor } from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { ModelRepository } from '../../lib/serve/index.ts';
import { modelOf } from '../data/models.ts';

let folder: string;
let service: ClassifierService;
let glyphs: CompiledModel;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-classifier-'));
  const model = await glyphModel(folder);
  glyphs = await loadModel(model.file);
  service = await serveClassifier(model, '127.0.0.1', 0);
}, 60_000);
afterAll(async () => {
  glyphs.dispose();
  await service[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function post(body: Uint8Array, type: string | undefined, url = service.url) {
  const response = await fetch(`${url}/classify`, {
    method: 'POST',
    body: new Uint8Array(body),
    headers: type === undefined ? {} : { 'content-type': type },
  });
  return {
    status: response.status,
    answer: (await response.json()) as Classification & { error?: string },
  };
}

/** Softmax of a row, in float64. */
function probabilities(scores: ArrayLike<number>): number[] {
  const powers = Array.from(scores, Math.exp);
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

/** The letter F in the middle of a large picture. */
const letter = (background: string, color = '#ffffff') =>
  sharp({ create: { width: 900, height: 600, channels: 4, background } }).composite([
    {
      input: Buffer.from(
        `<svg width="900" height="600"><path d="M360 500V120H560M360 300H520" stroke="${color}" stroke-width="60" fill="none"/></svg>`,
      ),
    },
  ]);

/** The same in another size. */
const letterOf = async (width: number, height: number) =>
  sharp(await letter('#204080').flatten().png().toBuffer()).resize(width, height);

describe('the answer', () => {
  it("is the model's own, also for pictures that are computed together", async () => {
    const { pixels } = await storedGlyphs('test');
    const count = 32;
    const planes = pixels.subarray(0, count * 3072);
    const values = Float32Array.from(planes, (byte) => Math.fround(Math.fround(byte / 255) - 0.5) / 0.25);
    const [logits] = Object.values(
      await glyphs.run({ x: new Tensor('float32', values, [count, 3, 32, 32]) }),
    );
    const answers = await Promise.all(
      Array.from({ length: count }, async (_, image) => {
        const raw = Buffer.alloc(3072);
        for (let i = 0; i < raw.length; i++)
          raw[i] = pixels[image * 3072 + (i % 3) * 1024 + Math.floor(i / 3)];
        const png = await sharp(raw, { raw: { width: 32, height: 32, channels: 3 } })
          .png()
          .toBuffer();
        return post(png, 'image/png');
      }),
    );
    for (const [i, { status, answer }] of answers.entries()) {
      expect(status).toBe(200);
      const scores = logits.data.subarray(i * 36, (i + 1) * 36) as Float32Array;
      const expected = probabilities(scores)
        .map((probability, k) => ({ label: characters[k], probability }))
        .sort((a, b) => b.probability - a.probability)
        .slice(0, 5);
      // Of classes that are equally likely either may come first; float64 has 15 digits.
      expect(answer.classes.map(({ probability }) => probability.toFixed(12))).toEqual(
        expected.map(({ probability }) => probability.toFixed(12)),
      );
      expect(answer.classes[0].label).toBe(expected[0].label);
    }
    const { milliseconds } = answers[0].answer;
    expect(milliseconds.decode).toBeGreaterThan(0);
    expect(milliseconds.model).toBeGreaterThan(0);
  });

  it.each([
    ['JPEG', 'image/jpeg', () => letter('#204080').flatten().jpeg()],
    ['WebP', 'image/webp', () => letter('#204080').webp()],
    ['PNG of 16 bits', 'image/png', () => letter('#204080').toColourspace('rgb16').png()],
    ['gray JPEG', 'image/jpeg', () => letter('#204080').flatten().greyscale().toColourspace('b-w').jpeg()],
    ['CMYK JPEG', 'image/jpeg', () => letter('#204080').flatten().toColourspace('cmyk').jpeg()],
    ['PNG that is white behind a letter', 'image/png', () => letter('#0000', '#000').png()],
  ])('knows the letter on a %s', async (_, type, picture) => {
    const { answer } = await post(await picture().toBuffer(), type);
    expect(answer.classes[0].label).toBe('F');
  });

  it('is the same for a picture that the camera says to turn', async () => {
    // Small enough to be resized exactly.
    const upright = await (await letterOf(90, 60)).png().toBuffer();
    const turned = await sharp(upright).rotate(90).withMetadata({ orientation: 8 }).png().toBuffer();
    const answers = [await post(upright, 'image/png'), await post(turned, 'image/png')];
    expect(answers[1].answer.classes).toEqual(answers[0].answer.classes);
  });
});

it('resizes large pictures as exact resizing does, but for what nobody sees', async () => {
  const noise = { type: 'gaussian', mean: 128, sigma: 60 } as const;
  const photo = sharp({
    create: { width: 1500, height: 1100, channels: 3, background: '#888', noise },
  }).composite([{ input: await letter('#ff8000').png().toBuffer(), left: 200, top: 150 }]);
  const bytes = await photo.png().toBuffer();
  const { data, info } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const model = modelOf({ name: 'x', dtype: 'uint8', shape: [1, 3, 64, 64] });
  const framed = { model, preprocessing: { resizeSize: 64, cropSize: 64 } };
  const bytesOf = (image: Pixels) => preprocessImage(image, framed).x.data as Uint8Array;
  const exact = bytesOf({ width: info.width, height: info.height, data });
  const near = bytesOf(await decodePicture(bytes, 64));
  const differences = Array.from(exact, (byte, i) => Math.abs(byte - near[i]));
  // Two resizings round to bytes twice, and a wide kernel after a narrow one is a little wider: 0.3 and 5 of 255 in noise.
  expect(differences.reduce((a, b) => a + b) / differences.length).toBeLessThan(0.5);
  expect(Math.max(...differences)).toBeLessThan(10);
  expect(Math.max(...differences)).toBeGreaterThan(0);
});

describe('a bad request', () => {
  it.each<[string, number, string, string | undefined, () => Promise<Buffer>]>([
    ['nothing', 400, 'the body must be a picture', undefined, async () => Buffer.alloc(0)],
    ['an empty picture', 400, 'no JPEG, PNG or WebP', 'image/png', async () => Buffer.alloc(0)],
    [
      'text that calls itself JPEG',
      400,
      'no JPEG, PNG or WebP',
      'image/jpeg',
      async () => Buffer.from('hello'),
    ],
    [
      'SVG that calls itself PNG',
      400,
      'no JPEG, PNG or WebP',
      'image/png',
      async () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
    ],
    ['text', 415, 'a body of text/plain is not read', 'text/plain', async () => Buffer.from('hello')],
    [
      'JSON',
      415,
      'a body of application/json is not read',
      'application/json',
      async () => Buffer.from('{}'),
    ],
    ['a body of no type', 415, 'a body of unknown type', undefined, async () => Buffer.from('x')],
    ['the head of a JPEG', 400, 'damaged or incomplete', 'image/jpeg', () => part('jpeg', 300)],
    ['half a JPEG', 400, 'damaged or incomplete', 'image/jpeg', () => part('jpeg', 0.5)],
    ['half a PNG', 400, 'damaged or incomplete', 'image/png', () => part('png', 0.5)],
    ['half a WebP', 400, 'damaged or incomplete', 'image/webp', () => part('webp', 0.5)],
    ['more than 10 MiB', 413, 'too large', 'image/png', async () => Buffer.alloc(10 * 2 ** 20 + 1)],
    [
      'a small file of too many pixels',
      413,
      'the picture has 8192 x 4097 pixels; at most 33554432 are read',
      'image/png',
      () => white(8192, 4097),
    ],
    [
      'a picture of very many rows',
      413,
      'the picture has 1 x 65536 pixels; at most 33554432 are read, 65535 of a side',
      'image/png',
      () => white(1, 65536),
    ],
  ])('is told what is wrong: %s', async (_, status, message, type, body) => {
    const { status: got, answer } = await post(await body(), type);
    expect(answer.error).toContain(message);
    expect(got).toBe(status);
    // The next one is served.
    const { answer: next } = await post(await letter('#204080').png().toBuffer(), 'image/png');
    expect(next.classes[0].label).toBe('F');
  });

  const white = (width: number, height: number) =>
    sharp({ create: { width, height, channels: 3, background: '#fff' } })
      .png()
      .toBuffer();

  /** The first bytes of a picture, as a number or as a share. */
  async function part(format: 'jpeg' | 'png' | 'webp', end: number): Promise<Buffer> {
    const noise = { type: 'gaussian', mean: 128, sigma: 30 } as const;
    const picture = sharp({ create: { width: 200, height: 200, channels: 3, background: '#888', noise } });
    const bytes = await picture.toFormat(format).toBuffer();
    return bytes.subarray(0, end < 1 ? Math.floor(end * bytes.length) : end);
  }

  it('is sent away when too many pictures are in work', async () => {
    await using repository = await ModelRepository.open(join(folder, 'glyphs.octavo'));
    const classifier = new PictureClassifier(repository, 'glyphs', characters);
    await using app = await classifierApp({ repository, classifier, samples: [] });
    const payload = await (await letterOf(1800, 1200)).png().toBuffer();
    const { signal } = new AbortController();
    const inWork = Array.from({ length: 64 }, () => classifier.classify(payload, signal));
    // It is there long before all of these are decoded.
    const request = {
      method: 'POST',
      url: '/classify',
      headers: { 'content-type': 'image/png' },
      payload,
    } as const;
    const refused = await app.inject(request);
    expect(refused.statusCode).toBe(503);
    expect(refused.headers['retry-after']).toBe('1');
    expect(refused.json()).toEqual({ error: 'too many pictures are in work; try again' });
    for (const { classes } of await Promise.all(inWork)) expect(classes[0].label).toBe('F');
    expect((await app.inject(request)).statusCode).toBe(200);
  });
});

describe('the service', () => {
  it('answers the Open Inference Protocol beside its own routes', async () => {
    const response = await fetch(`${service.url}/v2/models/glyphs`);
    expect(await response.json()).toMatchObject({ name: 'glyphs', platform: 'octavo' });
    expect((await fetch(`${service.url}/v2/health/ready`)).status).toBe(200);
  });

  it('gives its page a policy, and samples of the characters that they are said to be', async () => {
    const page = await fetch(service.url);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'");
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const about = (await (await fetch(`${service.url}/about`)).json()) as {
      samples: { url: string; description: string }[];
    };
    expect(about).toMatchObject({ model: 'glyphs', mostBytes: 10 * 2 ** 20 });
    expect(about.samples.length).toBe(8);
    for (const { url, description } of about.samples) {
      const sample = await fetch(`${service.url}/${url}`);
      const bytes = new Uint8Array(await sample.arrayBuffer());
      const { answer } = await post(bytes, sample.headers.get('content-type') ?? undefined);
      expect(answer.classes[0].label).toBe(description);
    }
  });
});

describe("another's model", () => {
  const preprocessing = {
    ...{ scale: 1 / 255, mean: [0.4, 0.5, 0.6], std: [0.2, 0.3, 0.25] },
    ...{ resizeSize: 20, cropSize: 16, interpolation: 'bicubic' as const },
  };

  async function saveModel(metadata: Readonly<Record<string, string>>, dynamicBatch = true): Promise<string> {
    nn.manualSeed(0);
    const network = new nn.Sequential(
      new nn.Conv2d(3, 8, 3),
      new nn.ReLU(),
      new nn.Flatten(),
      new nn.Linear(8 * 196, 4),
    );
    const x = Tensor.zeros('float32', [dynamicBatch ? 2 : 1, 3, 16, 16]);
    using model = compile(exportModel(network.eval(), { x }, { dynamicBatch }), { metadata });
    const path = join(folder, 'own.octavo');
    await model.save(path);
    return path;
  }

  async function saveLabels(text: string): Promise<string> {
    const path = join(folder, 'labels.txt');
    await writeFile(path, text);
    return path;
  }

  it.each([
    ['any number of them at a time', true],
    ['one at a time', false],
  ])('sees pictures as octavo eval shows them to it: %s', async (_, dynamicBatch) => {
    const file = await saveModel(preprocessingMetadata(preprocessing), dynamicBatch);
    const labels = await saveLabels('tench, Tinca tinca\r\ngoldfish\r\nwhite shark\r\ntiger shark\r\n');
    await using own = await serveClassifier(await ownModel(file, labels), '127.0.0.1', 0);
    const picture = await (await letterOf(31, 24)).jpeg().toBuffer();
    const pictures = await mkdtemp(join(folder, 'pictures-'));
    await writeFile(join(pictures, 'a.jpg'), picture);
    using model = await loadModel(file);
    const { inputs } = await (await readDataset(pictures, { model, preprocessing })).examples([0]);
    const [scores] = Object.values(await model.run(inputs));
    const expected = probabilities(scores.data as Float32Array);
    const { answer } = await post(picture, 'image/jpeg', own.url);
    const names = ['tench, Tinca tinca', 'goldfish', 'white shark', 'tiger shark'];
    expect(answer.classes.length).toBe(4);
    // The sums of float64 may differ in their last digits.
    for (const { label, probability } of answer.classes)
      expect(probability).toBeCloseTo(expected[names.indexOf(label)], 12);
  });

  it('is refused where labels or preprocessing are missing', async () => {
    const labels = await saveLabels('one\ntwo\nthree\n');
    const served = async (file: string) => serveClassifier(await ownModel(file, labels), '127.0.0.1', 0);
    await expect(served(await saveModel(preprocessingMetadata(preprocessing)))).rejects.toThrow(
      'own: with 3 labels the model must return float32 [n, 3] alone; it returns float32 [',
    );
    await expect(served(await saveModel({}))).rejects.toThrow(
      'own: the file does not say what is done to pixels',
    );
    await expect(served(await saveGlyphs(folder))).rejects.toThrow('glyphs: with 3 labels');
  });
});
