import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Inside the project, so that `octavo` is found, and not tracked. */
const folder = join(root, 'build', 'docs');

/** All fenced blocks of one language, put together. */
function blocks(markdown: string, language: string): string {
  return [...markdown.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))]
    .map(([, block]) => block)
    .join('');
}

const pages = readdirSync(join(root, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => [name, readFileSync(join(root, 'docs', name), 'utf8')] as const)
  .filter(([, markdown]) => blocks(markdown, 'ts') !== '');

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(pages)('the code in docs/%s', (name, markdown) => {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, name.replace(/\.md$/, '.ts'));
  writeFileSync(file, blocks(markdown, 'ts'));

  it('has no type errors', () => {
    const config = join(root, 'tsconfig.json');
    const { options } = ts.parseJsonConfigFileContent(
      ts.readConfigFile(config, ts.sys.readFile).config,
      ts.sys,
      root,
    );
    const program = ts.createProgram([file], { ...options, noUnusedLocals: true });
    const problems = ts.getPreEmitDiagnostics(program);
    const host = { getCanonicalFileName: String, getCurrentDirectory: () => root, getNewLine: () => '\n' };
    expect(ts.formatDiagnostics(problems, host)).toBe('');
  });

  it('prints what the page says', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', file], {
      cwd: root,
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toBe(blocks(markdown, 'text'));
  });
});
