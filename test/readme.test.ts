import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadNpz } from '../lib/formats/npz.ts';

const root = fileURLToPath(new URL('../', import.meta.url));

/** The README's blocks of TypeScript, each of which goes on where the one before ends. */
function example(): string {
  const blocks = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^```ts\n(.*?)^```$/gms)];
  if (blocks.length === 0) throw new Error('README.md has no block of TypeScript');
  return blocks.map(([, code]) => code).join('');
}

/** A folder that has the package installed, and the models where the README says. */
describe('the README’s example', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'octavo-readme-'));
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(root, join(folder, 'node_modules', 'octavo'));
    symlinkSync(join(root, 'models'), join(folder, 'models'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('runs as it stands, and is right about the image', async () => {
    const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 };
    writeFileSync(join(folder, 'example.mjs'), ts.transpile(example(), options));
    const { status, stdout, stderr } = spawnSync(process.execPath, ['example.mjs'], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const labels = (await loadNpz(join(root, 'models/glyphs/calib.npz'))).get('y')!;
    const character = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'[labels.toArray()[0]];
    expect(stdout).toBe(`the first image shows ${character}\n`);
  });
});
