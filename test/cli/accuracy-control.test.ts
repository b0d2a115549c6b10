import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadNpz, writeNpz } from '../../lib/formats/npz.ts';
import type { AccuracyControlRecord } from '../../lib/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { octavoHere } from './octavo.ts';

const model = 'models/glyph_mobilenet.pt2';
const preprocessing = ['--mean', '0.5', '--std', '0.25'];
const images = 200;

let folder: string;
let data: readonly string[];

/** The first images of a file, with their classes or without. */
async function smaller(
  name: string,
  count: number,
  change = (_: Uint8Array) => {},
  hasLabels = true,
): Promise<string> {
  const arrays = await loadNpz(`models/glyphs/${name}`);
  const pixels = (arrays.get('x')!.data as Uint8Array).slice(0, count * 3072);
  change(pixels);
  const path = join(folder, `${count}-${hasLabels}-${name}`);
  const x = new Tensor('uint8', pixels, [count, 3, 32, 32]);
  const y = new Tensor('uint8', (arrays.get('y')!.data as Uint8Array).slice(0, count), [count]);
  await writeFile(path, await writeNpz(hasLabels ? { x, y } : { x }));
  return path;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-control-'));
  data = [
    '--calib',
    await smaller('calib.npz', 64),
    '--eval',
    await smaller('test.npz', images),
    ...preprocessing,
  ];
});
afterAll(() => rm(folder, { recursive: true }));

const quantize = (out: string, ...args: readonly string[]) =>
  octavoHere('quantize', model, '--out', join(folder, out), ...args);

describe('octavo quantize --max-drop', () => {
  it('writes a model that loses no more, says what was tried, and octavo eval and inspect agree', async () => {
    const { code, stdout } = await quantize('controlled.octavo', ...data, '--max-drop', '2', '--json');
    expect(code).toBe(0);
    const { accuracyControl: record }: { accuracyControl: AccuracyControlRecord } = JSON.parse(stdout);
    expect(record).toMatchObject({ maxDrop: 2, isReached: true });
    expect(record.floatMetric - record.metric).toBeLessThanOrEqual(2);
    const path = join(folder, 'controlled.octavo');
    const test = data[data.indexOf('--eval') + 1];
    const evaluated = async (file: string, ...more: readonly string[]) => {
      const { stdout } = await octavoHere('eval', file, '--data', test, '--json', ...more);
      return (100 * JSON.parse(stdout).correct) / images;
    };
    expect(await evaluated(path)).toBe(record.metric);
    expect(await evaluated(model, ...preprocessing)).toBe(record.floatMetric);
    const inspected = await octavoHere('inspect', path);
    expect(inspected.stdout).toMatch(
      /\naccuracy control\ntried +layers +output error +metric +time +kept\nfloat /,
    );
    expect(inspected.stdout).not.toContain('{"maxDrop"');
    expect(JSON.parse((await octavoHere('inspect', path, '--json')).stdout).accuracyControl).toEqual(record);
  });

  it('prints a table', async () => {
    const { code, stdout } = await quantize('table.octavo', ...data, '--max-drop', '2');
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^wrote .*table\.octavo \(/);
    expect(lines[1]).toMatch(/^tried +layers/);
    expect(lines).toContainEqual(expect.stringMatching(/^quantize .* returned$/));
    expect(lines).toContainEqual(
      expect.stringMatching(
        /^reached: drop -?[\d.]+ of at most 2, every layer quantized, time [\d.]+ of float's$/,
      ),
    );
  });

  it('writes nothing and fails where the accuracy is not reached', async () => {
    // Almost no range is left: every image is nearly black.
    const black = await smaller('calib.npz', 32, (pixels) =>
      pixels.forEach((value, i) => {
        pixels[i] = value >> 5;
      }),
    );
    const few = [...data];
    few[few.indexOf('--calib') + 1] = black;
    const { code, stderr, stdout } = await quantize(
      'missed.octavo',
      ...few,
      '--max-drop',
      '0',
      '--max-evaluations',
      '2',
    );
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/the accuracy was not reached within 2 evaluations; nothing was written\ntried/);
    expect(await readdir(folder)).not.toContain('missed.octavo');
  });

  it.each([
    [['--max-drop', '1'], '--max-drop needs --eval'],
    [['--eval', 'test.npz'], '--eval is for --max-drop'],
    [['--max-evaluations', '4'], '--max-evaluations is for --max-drop'],
    [['--max-drop', '-1', '--eval', 'test.npz'], 'It must be a number, not below 0'],
    [
      ['--max-drop', '1', '--eval', 'test.npz', '--max-evaluations', '1'],
      '--max-evaluations must be 2 or more',
    ],
    [['--max-drop', '1', '--eval', 'test.npz', '--tune'], '--tune cannot be combined with --max-drop'],
    [['--max-drop', '1', '--eval', 'test.npz', '--strict'], '--strict cannot be combined with --max-drop'],
    [['--max-drop', '1', '--eval', 'test.npz', '--smooth-quant', '0.5'], '--smooth-quant cannot be combined'],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await quantize('refused.octavo', '--calib', 'models/glyphs/calib.npz', ...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });

  it('needs classes', async () => {
    const unlabelled = await smaller('test.npz', 64, undefined, false);
    const args = ['--calib', data[1], '--eval', unlabelled, ...preprocessing, '--max-drop', '1'];
    const { code, stderr } = await quantize('unlabelled.octavo', ...args);
    expect([code, stderr]).toEqual([1, expect.stringContaining('there are no classes to compare with')]);
  });

  it('ends cleanly when it is interrupted', async () => {
    const before = process.listenerCount('SIGINT');
    const running = quantize('interrupted.octavo', ...data, '--max-drop', '0');
    while (process.listenerCount('SIGINT') === before) await setTimeout(1);
    process.emit('SIGINT');
    const { code, stderr } = await running;
    expect([code, stderr]).toEqual([130, 'octavo: interrupted; nothing was written\n']);
    expect(await readdir(folder)).not.toContain('interrupted.octavo');
    expect(process.listenerCount('SIGINT')).toBe(before);
  });
});
