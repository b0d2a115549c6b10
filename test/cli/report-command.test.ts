import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadNpz, writeNpz } from '../../lib/formats/npz.ts';
import type { ReportFacts } from '../../lib/report/index.ts';
import { numelOf, Tensor } from '../../lib/tensor/index.ts';
import { octavoHere } from './octavo.ts';

const source = 'models/glyph_resnet.pt2';
const images = 256;
const preprocessing = ['--mean', '0.5', '--std', '0.25'];

let folder: string;
let data: string;
let saved: string;
const inFolder = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-report-command-'));
  saved = inFolder('glyph_resnet.octavo');
  data = inFolder('test.npz');
  const whole = await loadNpz('models/glyphs/test.npz');
  const [x, y] = ['x', 'y'].map((name) => {
    const { dtype, data: elements, shape } = whole.get(name)!;
    const [, ...rest] = shape;
    return new Tensor(dtype, elements.subarray(0, images * numelOf(rest)), [images, ...rest]);
  });
  await writeFile(data, await writeNpz({ x, y }));
  const controlled = ['--max-drop', '5', '--eval', data];
  const { code } = await octavoHere(
    'quantize',
    source,
    '--calib',
    data,
    '--out',
    saved,
    ...controlled,
    ...preprocessing,
  );
  expect(code).toBe(0);
});
afterAll(() => rm(folder, { recursive: true }));

/** The facts that a page holds. */
const factsIn = (page: string) =>
  JSON.parse(/<script type="application\/json" id="facts">(.*?)<\/script>/s.exec(page)![1]) as ReportFacts;

describe('octavo report', () => {
  it('writes a page about a saved model, and with --json prints the same facts', async () => {
    const out = inFolder('report.html');
    const args = ['report', saved, '--reference', source, '--data', data, '--out', out, '--json'];
    const { code, stdout, stderr } = await octavoHere(...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const facts = JSON.parse(stdout) as ReportFacts;
    expect(facts.title).toBe('glyph_resnet.octavo');
    expect(facts.command).toBe(`octavo report ${saved} --reference ${source} --data ${data} --out ${out}`);
    expect(facts.sizes.model.file).toBe((await stat(saved)).size);
    expect(facts.sizes.reference!.file).toBe((await stat(source)).size);
    // One image at a time, as a service gets them.
    expect(facts.times.inputs).toEqual([{ name: 'x', dtype: 'float32', shape: [1, 3, 32, 32] }]);
    const page = await readFile(out, 'utf8');
    expect(page.startsWith('<!doctype html>')).toBe(true);
    const inPage = factsIn(page);
    expect(inPage.nodes.map(({ name }) => name)).toEqual(facts.nodes.map(({ name }) => name));
    expect(inPage.accuracy).toEqual(facts.accuracy);
    // What the file remembers of how it was made.
    expect(inPage.accuracyControl).toMatchObject({ maxDrop: 5, isReached: true });
    expect(page).toContain('What accuracy control tried');
  });

  it('counts the same right answers as octavo eval', async () => {
    const args = ['--data', data, '--json'];
    const { stdout } = await octavoHere(
      'report',
      source,
      ...args,
      ...preprocessing,
      '--out',
      inFolder('made.html'),
    );
    const { accuracy, sizes } = JSON.parse(stdout) as ReportFacts;
    expect(sizes.model.file).toBeUndefined();
    const evaluated = await octavoHere('eval', source, ...args, ...preprocessing);
    const { correct, total } = JSON.parse(evaluated.stdout) as { correct: number; total: number };
    expect(total).toBe(images);
    expect(accuracy!.reference).toEqual({ correct, total });
    // Rounding decides a few near-ties otherwise.
    expect(Math.abs(accuracy!.model.correct - correct)).toBeLessThanOrEqual(total / 100);
  });

  it('says that classes do not suit the model before it runs any example', async () => {
    const out = inFolder('none.html');
    // Not a number is what calibration would stop at, were it begun.
    const unusable = inFolder('unusable.npz');
    const x = Tensor.zeros('float32', [2, 3, 32, 32]);
    (x.data as Float32Array).fill(Number.NaN);
    await writeFile(unusable, await writeNpz({ x, y: Tensor.from('int64', [0, 99]) }));
    const { code, stderr } = await octavoHere('report', source, '--data', unusable, '--out', out);
    expect(code).toBe(1);
    expect(stderr).toContain('there is an example of class 99; the model has classes 0 to 35');
    expect(stderr).toContain('give the examples without their classes');
    await expect(stat(out)).rejects.toThrow('ENOENT');
  });

  it('says what is asked the wrong way, and writes nothing', async () => {
    const out = inFolder('none.html');
    const given = ['--data', data];
    const twice = await octavoHere('report', source, '--reference', source, ...given, '--out', out);
    expect(twice.code).toBe(2);
    expect(twice.stderr).toContain('--reference is for a model that octavo quantize wrote');
    const itself = await octavoHere('report', saved, ...given, '--out', saved);
    expect(itself.code).toBe(2);
    expect(itself.stderr).toContain('which it would replace');
    const other = await octavoHere(
      'report',
      saved,
      '--reference',
      'models/glyph_mobilenet.pt2',
      ...given,
      '--out',
      out,
    );
    expect(other.code).toBe(1);
    expect(other.stderr).toContain('make both models from the same captured model');
    const chosen = await octavoHere('report', saved, '--model', 'm', ...given, '--out', out);
    expect(chosen.code).toBe(1);
    expect(chosen.stderr).toContain('is a compiled model');
    await expect(stat(out)).rejects.toThrow('ENOENT');
  });
});
