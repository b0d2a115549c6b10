import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadNpz, writeNpz } from '../../lib/formats/npz.ts';
import { encodeSafetensors } from '../../lib/formats/safetensors.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { octavoHere } from './octavo.ts';

const glyphs = 'models/glyph_resnet.pt2';
const sentences = 'test/fixtures/cases/sentence_embedding.pt2';
const normalization = ['--mean', '0.5', '--std', '0.25'];

let folder: string;
/** Glyphs, ordered by class: as an .npz file, and as a folder of images for each class. */
let arrays: string;
let images: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-data-forms-'));
  [arrays, images] = [join(folder, 'glyphs.npz'), join(folder, 'glyphs')];
  const source = await loadNpz('models/glyphs/test.npz');
  const [x, labels] = [source.get('x')!, source.get('y')!.toArray()];
  const size = 3 * 32 * 32;
  const chosen = Array.from({ length: 36 }, (_, label) =>
    labels.flatMap((each, at) => (each === label ? [at] : [])).slice(0, 3),
  ).flat();
  const pixels = chosen.map((at) => x.data.subarray(at * size, (at + 1) * size) as Uint8Array);
  await writeFile(
    arrays,
    await writeNpz({
      x: new Tensor('uint8', Uint8Array.from(pixels.flatMap((each) => [...each])), [
        chosen.length,
        3,
        32,
        32,
      ]),
      y: Tensor.from(
        'uint8',
        chosen.map((at) => labels[at]),
      ),
    }),
  );
  for (const [i, planes] of pixels.entries()) {
    const path = join(images, String(labels[chosen[i]]).padStart(2, '0'));
    await mkdir(path, { recursive: true });
    const interleaved = Uint8Array.from(
      { length: size },
      (_, at) => planes[(at % 3) * 1024 + Math.floor(at / 3)],
    );
    await sharp(interleaved, { raw: { width: 32, height: 32, channels: 3 } })
      .png()
      .toFile(join(path, `${String(i).padStart(3, '0')}.png`));
  }
});
afterAll(() => rm(folder, { recursive: true }));

async function quantize(
  model: string,
  calib: string,
  name: string,
  ...options: readonly string[]
): Promise<string> {
  const out = join(folder, name);
  const { code, stderr } = await octavoHere('quantize', model, '--calib', calib, '--out', out, ...options);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return out;
}

async function evaluate(model: string, data: string) {
  const { code, stdout, stderr } = await octavoHere('eval', model, '--data', data, '--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

describe('the same data in another form', () => {
  it('makes the same model of a folder of images as of an array, and gets as many right', async () => {
    const ofArray = await quantize(glyphs, arrays, 'array.octavo', ...normalization);
    const ofImages = await quantize(glyphs, images, 'images.octavo', ...normalization);
    expect(Buffer.compare(await readFile(ofImages), await readFile(ofArray))).toBe(0);
    const [inArray, inImages] = [await evaluate(ofArray, arrays), await evaluate(ofArray, images)];
    expect(inImages).toMatchObject({ correct: inArray.correct, total: 108 });
    // The network gets 95 % of all images right.
    expect(inImages.top1).toBeGreaterThan(0.9);
  });

  it('makes the same model of lists of tokens as of padded arrays', async () => {
    const lists = [
      [5, 6, 7, 8],
      [9, 10],
      [11, 12, 13],
    ];
    const lines = join(folder, 'tokens.jsonl');
    await writeFile(
      lines,
      lists
        .map((ids) => `${JSON.stringify({ input_ids: ids, attention_mask: ids.map(() => 1) })}\n`)
        .join(''),
    );
    const padded = (fill: (ids: number[]) => number[]) =>
      Tensor.from(
        'int64',
        lists.flatMap((ids) => [...fill(ids), 0, 0, 0].slice(0, 4)),
        [3, 4],
      );
    const tensors = new Map([
      ['input_ids', padded((ids) => ids)],
      ['attention_mask', padded((ids) => ids.map(() => 1))],
    ]);
    const file = join(folder, 'tokens.safetensors');
    await writeFile(file, Buffer.concat(encodeSafetensors({ tensors, metadata: {} })));
    const [ofLines, ofArrays] = [
      await quantize(sentences, lines, 'lines.octavo', '--packed-weights'),
      await quantize(sentences, file, 'arrays.octavo', '--packed-weights'),
    ];
    expect(Buffer.compare(await readFile(ofLines), await readFile(ofArrays))).toBe(0);
  });

  it('knows in eval how quantize resized images, and leaves arrays as they are', async () => {
    const out = await quantize(
      glyphs,
      images,
      'resized.octavo',
      ...[...normalization, '--resize-size', '36', '--crop-size', '32', '--interpolation', 'bicubic'],
    );
    const rule = { scale: 1 / 255, mean: [0.5], std: [0.25] };
    const framing = { resizeSize: 36, cropSize: 32, interpolation: 'bicubic' };
    expect((await evaluate(out, images)).preprocessing).toEqual({ ...framing, ...rule });
    expect((await evaluate(out, arrays)).preprocessing).toEqual(rule);
  });

  it('shows a stage after calibration with a folder of images', async () => {
    const { code, stdout } = await octavoHere('print', glyphs, '--stage', 'converted', '--calib', images);
    expect(code).toBe(0);
    expect(stdout).toContain('torch.ops.quantized_decomposed.dequantize_per_channel.default');
  });
});

describe('data that does not suit the model', () => {
  it.each([
    ['a missing folder', () => join(folder, 'nowhere'), glyphs, 'nowhere could not be opened: ENOENT'],
    [
      'a folder without images',
      () => 'lib/data',
      glyphs,
      'lib/data contains no images (.jpg, .jpeg, .png, .webp)',
    ],
    [
      'names of no input',
      () => arrays,
      sentences,
      "the model has no input 'x'; it has input_ids: int64[s0, s1], ",
    ],
    ['a model file', () => glyphs, glyphs, "glyph_resnet.pt2: entry '"],
  ])('ends quantize before it writes: %s', async (_, calib, model, message) => {
    const out = join(folder, 'never.octavo');
    const { code, stderr } = await octavoHere('quantize', model, '--calib', calib(), '--out', out);
    expect(stderr).toContain(message);
    expect(code).toBe(1);
    expect((await readdir(folder)).filter((name) => name.startsWith('never'))).toEqual([]);
  });

  it('ends eval without classes, or with one that the model does not have', async () => {
    const x = Tensor.zeros('uint8', [2, 3, 32, 32]);
    for (const [tensors, message] of [
      [
        { x },
        "there are no classes to compare with: an array 'y', a field 'label', or a folder for each class",
      ],
      [
        { x, y: Tensor.from('uint8', [0, 36]) },
        'there is an example of class 36; the model has classes 0 to 35',
      ],
    ] as const) {
      const path = join(folder, 'some.npz');
      await writeFile(path, await writeNpz(tensors));
      const { code, stderr } = await octavoHere('eval', glyphs, '--data', path);
      expect(stderr).toContain(message);
      expect(code).toBe(1);
    }
  });

  it.each([
    ['--crop-size', '0', 'It must be a whole number above 0.'],
    ['--interpolation', 'area', 'Allowed choices are bilinear, bicubic.'],
  ])('is called the wrong way with %s %s', async (option, value, message) => {
    const { code, stderr } = await octavoHere('eval', glyphs, '--data', images, option, value);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });
});
