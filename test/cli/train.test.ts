import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { duration } from '../../lib/cli/training/reporter.ts';
import { writeNpz } from '../../lib/formats/npz.ts';
import { loadSafetensors } from '../../lib/formats/safetensors-file.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { colorImages } from '../support/color-images.ts';
import { type Finished, octavoHere } from './octavo.ts';

const model = 'models/tiny_cnn.pt2';

let folder: string;
const file = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-cli-train-'));
  await writeFile(file('train.npz'), await colorImages(60));
  await writeFile(file('val.npz'), await colorImages(40));
  await writeFile(file('wrong.npz'), await colorImages(20, () => 10));
  const unlabelled = { x: Tensor.zeros('uint8', [8, 3, 32, 32]) };
  await writeFile(file('unlabelled.npz'), await writeNpz(unlabelled));
});
afterAll(() => rm(folder, { recursive: true }));

const flags = (out: string) => [
  ...['--data', file('train.npz'), '--batch-size', '20', '--out', file(out), '--threads', '1'],
  ...['--mean', '0.5', '--std', '0.25', '--lr', '0.05'],
];

/** What a line of --json may say. */
interface Line {
  readonly event: 'step' | 'epoch' | 'result';
  readonly lr: number;
  readonly loss: number;
  readonly evaluation: { readonly top1: number };
  readonly top1: number;
}

const linesOf = ({ stdout }: Finished): Line[] =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

/** That of the last epoch. */
const lossOf = (lines: readonly Line[]) => lines.filter(({ event }) => event === 'epoch').at(-1)!.loss;

describe('octavo train', () => {
  it('--qat writes an int8 model, and tells of steps, epochs and the result', async () => {
    const qat = ['--qat', '--epochs', '3', '--val', file('val.npz'), '--freeze-observers-after', '2'];
    const finished = await octavoHere('train', model, ...flags('qat.octavo'), ...qat, '--json');
    expect(finished).toMatchObject({ code: 0, stderr: '' });
    const lines = linesOf(finished);
    expect(lines.map(({ event }) => event).join()).toBe(
      `${Array(3).fill('step,step,step,epoch').join()},result`,
    );
    expect(lines[0]).toMatchObject({ epoch: 0, step: 1, lr: 0.05 });
    const epochs = lines.filter(({ event }) => event === 'epoch');
    expect(epochs[2].loss).toBeLessThan(epochs[0].loss);
    const { top1 } = epochs[2].evaluation;
    const { size } = await stat(file('qat.octavo'));
    expect(lines.at(-1)).toMatchObject({ model, out: file('qat.octavo'), bytes: size, steps: 9, top1 });
    const evaluated = await octavoHere('eval', file('qat.octavo'), '--data', file('val.npz'), '--json');
    expect(JSON.parse(evaluated.stdout)).toMatchObject({ precision: 'int8', top1, total: 40 });
  });

  it('reads the same settings from a file, which flags change', async () => {
    const settings = {
      ...{ model, data: file('train.npz'), out: file('b.octavo'), batchSize: 20, threads: 1, lr: 0.05 },
      ...{ mean: [0.5], std: [0.25], epochs: 7, optimizer: 'adamw', schedule: 'one-cycle', qat: true },
      ...{
        labelSmoothing: 0.1,
        distill: true,
        freezeBnAfter: 0,
        clipGradNorm: 1,
        seed: 4,
        weightDecay: 0.01,
      },
    };
    await writeFile(file('settings.json'), JSON.stringify(settings));
    const inFile = await octavoHere('train', file('settings.json'), '--epochs', '1');
    expect(inFile).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/wrote .*b.octavo .* after 3 steps/),
    });
    expect(inFile.stderr).toMatch(/^epoch 1\/1: loss \S+, accuracy \d+\.\d\d %, \d+ examples\/s\n$/);
    const given = [
      '--epochs',
      '1',
      '--optimizer',
      'adamw',
      '--schedule',
      'one-cycle',
      '--qat',
      '--seed',
      '4',
    ];
    const more = ['--label-smoothing', '0.1', '--distill', '--freeze-bn-after', '0', '--clip-grad-norm', '1'];
    const { code } = await octavoHere(
      'train',
      model,
      ...[...flags('a.octavo'), ...given, ...more, '--weight-decay', '0.01'],
    );
    expect(code).toBe(0);
    expect(await readFile(file('a.octavo'))).toEqual(await readFile(file('b.octavo')));
  });

  it('learns scales of weights with few bits', async () => {
    const few = ['--qat', '--learn-scales', '--weight-bits', '3', '--epochs', '2'];
    expect((await octavoHere('train', model, ...flags('few.octavo'), ...few)).code).toBe(0);
    const { tensors } = await loadSafetensors(file('few.octavo'));
    const weights = [...tensors.values()].filter(({ dtype }) => dtype === 'int8');
    expect(weights.length).toBe(4);
    for (const weight of weights) {
      const levels = new Set(weight.toArray());
      expect(levels.size).toBeGreaterThan(3);
      expect([...levels].every((level) => level >= -4 && level <= 3)).toBe(true);
    }
  });

  it('trains in float32 without --qat, writes ONNX, and trains that', async () => {
    const evaluate = ['--val', file('val.npz'), '--json'];
    const first = await octavoHere('train', model, ...flags('float.onnx'), '--epochs', '2', ...evaluate);
    const { top1 } = linesOf(first).at(-1)!;
    const preprocessing = ['--mean', '0.5', '--std', '0.25', '--json'];
    const { stdout } = await octavoHere(
      'eval',
      file('float.onnx'),
      '--data',
      file('val.npz'),
      ...preprocessing,
    );
    expect(JSON.parse(stdout)).toMatchObject({ precision: 'float32', top1 });
    const again = ['train', file('float.onnx'), ...flags('again.octavo'), '--schedule', 'step'];
    const second = await octavoHere(...again, '--epochs', '6', ...evaluate);
    expect(second.code).toBe(0);
    const lines = linesOf(second);
    expect(lossOf(lines)).toBeLessThan(lossOf(linesOf(first)));
    const rates = new Set(lines.filter(({ event }) => event === 'step').map(({ lr }) => lr.toPrecision(6)));
    expect(rates).toEqual(new Set([0.05, 0.005, 0.0005].map((lr) => lr.toPrecision(6))));
  });

  it('goes on after Ctrl-C, and ends where it would have ended', async () => {
    const command = ['train', model, ...flags('whole.octavo'), '--qat', '--epochs', '40'];
    expect((await octavoHere(...command)).code).toBe(0);
    const interrupted = [
      ...['train', model, ...flags('resumed.octavo'), '--qat', '--epochs', '40'],
      ...['--checkpoint', file('run.ckpt')],
    ];
    const child = spawn(process.execPath, ['--import', 'tsx', 'lib/cli/main.ts', ...interrupted, '--json'], {
      cwd: fileURLToPath(new URL('../../', import.meta.url)),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [said, complained] = ['', ''];
    child.stdout.on('data', (text) => {
      said += text;
      if (said.includes('"step":5,') && !child.killed) child.kill('SIGINT');
    });
    child.stderr.on('data', (text) => {
      complained += text;
    });
    const [code] = await once(child, 'close');
    expect(code).toBe(130);
    expect(JSON.parse(complained).error).toMatch(
      /^interrupted after \d+ steps; the same command with --resume/,
    );
    await expect(stat(file('resumed.octavo'))).rejects.toThrow('ENOENT');
    const finished = await octavoHere(...interrupted, '--resume');
    expect(finished).toMatchObject({ code: 0, stdout: expect.stringContaining('after 120 steps') });
    expect(await readFile(file('resumed.octavo'))).toEqual(await readFile(file('whole.octavo')));
  });

  it.each<[string, () => string[], RegExp, number]>([
    ['no data', () => [model, '--out', file('x')], /there is no --data/, 2],
    ['no result', () => [model, '--data', file('train.npz')], /there is no --out/, 2],
    ['no model', () => [file('missing.pt2'), ...flags('x')], /missing.pt2 could not be opened/, 1],
    ['no folder', () => [model, ...flags('none/x')], /--out .* there is no folder/, 1],
    ['no epochs', () => [model, ...flags('x'), '--epochs', '0'], /It must be a whole number above 0/, 2],
    ['another optimizer', () => [model, ...flags('x'), '--optimizer', 'lamb'], /one of sgd, adamw/, 2],
    ['nine bits', () => [model, ...flags('x'), '--weight-bits', '9'], /a whole number from 2 to 8/, 2],
    ['bits in float32', () => [model, ...flags('x'), '--weight-bits', '4'], /--weight-bits needs --qat/, 2],
    [
      'observers that are not asked',
      () => [model, ...flags('x'), '--qat', '--learn-scales', '--freeze-observers-after', '1'],
      /--learn-scales learns them/,
      2,
    ],
    ['nothing to go on from', () => [model, ...flags('x'), '--resume'], /--resume needs --checkpoint/, 2],
    [
      'momentum of adamw',
      () => [model, ...flags('x'), '--optimizer', 'adamw', '--momentum', '0.5'],
      /--momentum needs --optimizer sgd/,
      2,
    ],
    [
      'what never comes',
      () => [model, ...flags('x'), '--freeze-bn-after', '5'],
      /--freeze-bn-after 5 never comes/,
      2,
    ],
    [
      'another file format',
      () => [model, ...flags('x.pt2')],
      /.pt2 is not written here, but .octavo or .onnx/,
      2,
    ],
    [
      'a class too many to measure with',
      () => [model, ...flags('x'), '--val', file('wrong.npz'), '--checkpoint', file('no.ckpt')],
      /^octavo: .*wrong.npz: there is an example of class 10; the model has classes 0 to 9\n$/,
      1,
    ],
    [
      'a class too many',
      () => [model, ...flags('x'), '--data', file('wrong.npz')],
      /wrong.npz: there is an example of class 10; the model has classes 0 to 9/,
      1,
    ],
    [
      'no classes',
      () => [model, ...flags('x'), '--data', file('unlabelled.npz')],
      /unlabelled.npz: there are no classes/,
      1,
    ],
    [
      'no classes to measure with',
      () => [model, ...flags('x'), '--val', file('unlabelled.npz')],
      /unlabelled.npz: there are no classes/,
      1,
    ],
    [
      'too few examples',
      () => [model, ...flags('x'), '--batch-size', '61'],
      /60 examples make no batch of 61/,
      1,
    ],
  ])('refuses %s', async (_, args, message, code) => {
    const finished = await octavoHere('train', ...args());
    expect(finished.stderr).toMatch(message);
    expect(finished.code).toBe(code);
  });

  it.each<[string, unknown, RegExp]>([
    ['an unknown field', { model, batchsize: 3 }, /unknown option "batchsize"; did you mean "batchSize"/],
    ['a number as text', { model, epochs: '3' }, /"epochs" must be a whole number above 0, got "3"/],
    ['another schedule', { model, schedule: 'linear' }, /"schedule" must be one of cosine, step, one-cycle/],
    ['no model', { data: 'x', out: 'y' }, /there is no field "model"/],
    ['no object', [1], /options must be an object, got \[1\]/],
    ['an impossible mean', { model, mean: 'x' }, /preprocessing.mean must be a list of numbers, got "x"/],
  ])('refuses settings with %s', async (_, settings, message) => {
    const complete = Array.isArray(settings)
      ? settings
      : { data: file('train.npz'), out: file('x'), ...(settings as object) };
    await writeFile(file('bad.json'), JSON.stringify(complete));
    const { code, stderr } = await octavoHere('train', file('bad.json'));
    expect(stderr).toMatch(message);
    expect(code).toBe(1);
  });
});

it.each([
  [0.2, '1 s'],
  [59.5, '1 min 0 s'],
  [200, '3 min 20 s'],
  [3900, '1 h 5 min'],
])('%f seconds are %s', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});
