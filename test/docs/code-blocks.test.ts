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

const pages = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
  // What TypeDoc writes holds the examples of comments, which are no programs.
  .filter((name) => name.endsWith('.md') && !name.startsWith('api/'))
  .map((name) => [name, readFileSync(join(root, 'docs', name), 'utf8')] as const)
  .filter(([, markdown]) => blocks(markdown, 'ts') !== '');

const fileOf = (page: string) => join(folder, page.replaceAll('/', '-').replace(/\.md$/, '.ts'));
mkdirSync(folder, { recursive: true });
for (const [name, markdown] of pages) writeFileSync(fileOf(name), blocks(markdown, 'ts'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const config = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile).config;
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
/** All pages at once: the library is read once for them. */
const program = ts.createProgram(
  pages.map(([name]) => fileOf(name)),
  { ...options, noUnusedLocals: true },
);

describe.each(pages)('the code in docs/%s', (name, markdown) => {
  const file = fileOf(name);

  it('has no type errors', () => {
    const problems = ts.getPreEmitDiagnostics(program, program.getSourceFile(file));
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
