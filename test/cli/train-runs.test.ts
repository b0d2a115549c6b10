import { cp, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportModel, exportOnnx } from '../../lib/index.ts';
import { TinyCNN } from '../models/tiny-cnn.ts';
import { colorImages } from '../support/color-images.ts';
import { type Finished, octavoHere } from './octavo.ts';

let folder: string;
const file = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-cli-runs-'));
  await cp('models/tiny_cnn.pt2', file('model.pt2'));
  await writeFile(file('train.npz'), await colorImages(40));
  await writeFile(file('other.npz'), await colorImages(40, (i) => (i + 1) % 10));
});
afterAll(() => rm(folder, { recursive: true }));

/** Later flags override earlier ones. */
const train = (...flags: string[]): Promise<Finished> =>
  octavoHere(
    ...['train', file('model.pt2'), '--data', file('train.npz'), '--out', file('out.octavo')],
    ...['--batch-size', '20', '--epochs', '1', '--threads', '1', ...flags],
  );

describe('a run that goes on', () => {
  const kept = () => ['--checkpoint', file('kept.ckpt'), '--qat', '--val', file('train.npz')];
  let finished: Finished;
  beforeAll(async () => {
    finished = await train(...kept(), '--json');
  }, 60_000);

  it('measures what was finished before', async () => {
    const again = await train(...kept(), '--resume', '--json');
    const [result, before] = [again, finished].map(({ stdout }) =>
      JSON.parse(stdout.trim().split('\n').at(-1)!),
    );
    expect(again.code).toBe(0);
    expect(result).toEqual(before);
    expect(result.top1).toBeTypeOf('number');
  });

  it('may be told other threads, and data that were moved', async () => {
    await cp(file('train.npz'), file('moved.npz'));
    expect(await train(...kept(), '--resume', '--threads', '2', '--data', file('moved.npz'))).toMatchObject({
      code: 0,
    });
  });

  it.each<[readonly string[], RegExp]>([
    [['--weight-bits', '3'], /--weight-bits 8; this one has 3/],
    [['--mean', '0.25'], /--mean 0; this one has 0.25/],
    [['--std', '0.25'], /--std 1; this one has 0.25/],
    [['--momentum', '0.5'], /--momentum 0.9; this one has 0.5/],
    [['--label-smoothing', '0.1'], /--label-smoothing 0; this one has 0.1/],
    [['--distill'], /--distill false; this one has true/],
    [['--freeze-bn-after', '0'], /--freeze-bn-after none; this one has 0/],
    [['--clip-grad-norm', '1'], /--clip-grad-norm none; this one has 1/],
    [['--epochs', '2'], /--epochs 1; this one has 2/],
    [['--lr', '0.5'], /--lr 0.001; this one has 0.5/],
    [['--seed', '7'], /--seed 0; this one has 7/],
    [['--learn-scales'], /--learn-scales false; this one has true/],
    [['--schedule', 'step'], /--schedule cosine; this one has step/],
    [['--data', 'other.npz'], /--data of 40 examples, sha256:\w+; this one has of 40 examples/],
  ])('is not told %j', async (flags, message) => {
    const absolute = flags.map((flag) => (flag.endsWith('.npz') ? file(flag) : flag));
    const { code, stderr } = await train(...kept(), '--resume', ...absolute);
    expect(stderr).toMatch(/kept.ckpt does not fit: it is of a run with /);
    expect(stderr).toMatch(message);
    expect(code).toBe(1);
  });

  it('has the model that it had', async () => {
    const [other, checkpoint] = [file('other.onnx'), ['--checkpoint', file('float.ckpt')]];
    expect((await train('--out', other, ...checkpoint)).code).toBe(0);
    const flags = ['--data', file('train.npz'), '--out', file('out.octavo'), '--batch-size', '20'];
    const again = [...flags, '--epochs', '1', ...checkpoint, '--resume'];
    const { stderr } = await octavoHere('train', other, ...again);
    expect(stderr).toMatch(/it is of a run with model sha256:\w+; this one has sha256:/);
  });

  it('is not overwritten by another one', async () => {
    const before = await readFile(file('kept.ckpt'));
    const { code, stderr } = await train(...kept());
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/--checkpoint .*kept.ckpt exists: --resume goes on from it/),
    });
    expect(await readFile(file('kept.ckpt'))).toEqual(before);
  });
});

describe('files that are read', () => {
  it.each<[string, readonly string[], RegExp]>([
    ['the model', ['--checkpoint', 'model.pt2'], /--checkpoint .* is the same file as .*model.pt2/],
    ['the data', ['--checkpoint', 'train.npz'], /--checkpoint .* is the same file as --data/],
    ['the data, by a link', ['--out', 'link.npz'], /--out .* is the same file as --data/],
    ['the test data', ['--val', 'other.npz', '--out', 'other.npz'], /--out .* is the same file as --val/],
    [
      'the data of a run that goes on',
      ['--resume', '--checkpoint', 'train.npz'],
      /is the same file as --data/,
    ],
    ['the result', ['--checkpoint', 'out.octavo'], /--checkpoint .* is the same file as --out/],
  ])('are not replaced: %s', async (_, flags, message) => {
    await rm(file('link.npz'), { force: true });
    await symlink(file('train.npz'), file('link.npz'));
    const before = await readFile(file('train.npz'));
    const absolute = flags.map((flag) => (flag.startsWith('--') ? flag : file(flag)));
    const { code, stderr } = await train(...absolute);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
    expect(await readFile(file('train.npz'))).toEqual(before);
  });

  it('are not replaced by octavo quantize and octavo bench', async () => {
    const data = file('train.npz');
    const quantized = await octavoHere('quantize', file('model.pt2'), '--calib', data, '--out', data);
    expect(quantized).toMatchObject({ code: 2, stderr: expect.stringContaining('the same file as --calib') });
    const named = ['quantize', file('model.pt2'), '--calib', data, '--out', file('other.pt2')];
    expect(await octavoHere(...named)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('.pt2 is not written here, but .octavo'),
    });
    const traced = await octavoHere('bench', file('model.pt2'), '--trace', file('model.pt2'));
    expect(traced).toMatchObject({ code: 2, stderr: expect.stringContaining('the same file as') });
  });
});

it('a result without a name is refused before the training', async () => {
  await mkdir(file('none'), { recursive: true });
  const { code, stderr } = await train('--out', `${file('not-there')}/`);
  expect(stderr).toMatch(/--out .* could not be written: its name ends as a folder does/);
  expect(code).toBe(1);
  await expect(stat(file('not-there'))).rejects.toThrow('ENOENT');
});

it('scales that AdamW learns stay scales', async () => {
  const flags = ['--qat', '--learn-scales', '--optimizer', 'adamw', '--lr', '0.003', '--epochs', '4'];
  expect(await train(...flags)).toMatchObject({ code: 0 });
});

it('folders with other classes are no test data', async () => {
  const image = await sharp({ create: { width: 32, height: 32, channels: 3, background: '#ff8000' } })
    .png()
    .toBuffer();
  for (const [name, classes] of Object.entries({ photos: ['cat', 'dog', 'eel'], tested: ['dog', 'eel'] }))
    for (const each of classes) {
      await mkdir(file(join(name, each)), { recursive: true });
      for (const i of [0, 1]) await writeFile(file(join(name, each, `${i}.png`)), image);
    }
  const flags = ['--data', file('photos'), '--batch-size', '2'];
  const { code, stderr } = await train(...flags, '--val', file('tested'));
  expect(stderr).toMatch(
    /photos and .*tested have other classes: class 0 is cat in the one, dog in the other/,
  );
  expect(code).toBe(1);
  expect((await train(...flags, '--val', file('photos'))).code).toBe(0);
});

it('a model for batches of one size says which', async () => {
  const captured = exportModel(new TinyCNN().eval(), { x: { dtype: 'float32', shape: [4, 3, 32, 32] } });
  await writeFile(file('four.onnx'), exportOnnx(captured));
  const flags = ['--data', file('train.npz'), '--out', file('out.octavo'), '--batch-size'];
  const { code, stderr } = await octavoHere('train', file('four.onnx'), ...flags, '7');
  expect(stderr).toMatch(/four.onnx was captured for batches of 4 \(input 'x'\), not 7: --batch-size 4, or/);
  expect(code).toBe(1);
  expect((await octavoHere('train', file('four.onnx'), ...flags, '4', '--epochs', '1')).code).toBe(0);
});
