import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { zip } from '../support/archives.ts';
import { rooted } from '../support/raw-archives.ts';
import { octavoHere } from './octavo.ts';

describe('--model chooses one of several models in a .pt2 file', () => {
  let folder: string;
  let several: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'octavo-model-'));
    several = join(folder, 'several.pt2');
    const [first, second] = [await rooted('both/', 'first'), await rooted('both/', 'second')];
    writeFileSync(several, await zip(new Map([...first, ...second])));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    ['inspect', () => [several]],
    ['print', () => [several]],
    ['bench', () => [several, '--runs', '2', '--batch', '1']],
  ])('octavo %s', async (command, args) => {
    const { code, stderr, stdout } = await octavoHere(command, ...args(), '--model', 'second');
    expect({ code, stderr: code === 0 ? '' : stderr + stdout }).toEqual({ code: 0, stderr: '' });
    const other = await octavoHere(command, ...args(), '--model', 'third');
    expect(other.code).toBe(1);
    expect(other.stderr).toContain("there is no model 'third', but 'first', 'second'");
  });

  it('octavo quantize, which then looks for the examples', async () => {
    const rest = ['--calib', join(folder, 'none.npz'), '--out', join(folder, 'out.safetensors')];
    const errorOf = async (model: string) =>
      (await octavoHere('quantize', several, ...rest, '--model', model)).stderr;
    expect(await errorOf('second')).toContain('none.npz');
    expect(await errorOf('third')).toContain("there is no model 'third', but 'first', 'second'");
  });

  it('octavo inspect shows this one alone', async () => {
    const namesOf = async (...args: string[]) => {
      const { stdout } = await octavoHere('inspect', several, '--json', ...args);
      return (JSON.parse(stdout) as { programs: { name: string }[] }).programs.map(({ name }) => name);
    };
    expect(await namesOf()).toEqual(['first', 'second']);
    expect(await namesOf('--model', 'second')).toEqual(['second']);
  });

  it('without it the command says what there is', async () => {
    const { code, stderr } = await octavoHere('print', several);
    expect(code).toBe(1);
    expect(stderr).toContain("there are several models, 'first', 'second'; say which one");
  });

  it.each([
    ['inspect', 'test/fixtures/onnx/quantized/bert_static.dyn_s8.onnx'],
    ['print', 'test/fixtures/onnx/quantized/bert_static.dyn_s8.onnx'],
  ])('octavo %s refuses it for %s', async (command, file) => {
    const { code, stderr } = await octavoHere(command, file, '--model', 'second');
    expect(code).toBe(1);
    expect(stderr).toMatch(/(--model|the option 'model') is for \.pt2 files/);
  });
});
