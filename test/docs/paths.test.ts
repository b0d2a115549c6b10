import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

const pages = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'],
  ...['docs', 'lib', 'native'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name)),
  ),
  // TypeDoc's own, which the site's build checks.
].filter((page) => !page.startsWith(join('docs', 'api')));
/** Lab notes name files as they were: only their links are kept. */
const living = pages.filter((page) => !page.startsWith(join('docs', 'lab')));

const read = (page: string) => readFileSync(join(root, page), 'utf8');

/** A page's headings as links name them: GitHub's way. */
const headingsOf = (page: string) =>
  [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );

/** The files and folders of this project that a page names, from its root; `*` stands for several. */
function pathsIn(page: string): string[] {
  const paths = read(page).matchAll(
    /(?<![\w./@-])(?:lib|native|test|bench|fuzz|docs|script)\/[\w./*-]*[\w*]/g,
  );
  return [...paths].map(([path]) => path.replace(/\*.*$/, '')).filter((path) => !path.includes('//'));
}

describe('the pages', () => {
  it.each(pages)('%s links to files that there are', (page) => {
    const links = [...read(page).matchAll(/\]\((?!https?:)([^)#\s]+)/g)].map(([, link]) => link);
    expect(links.filter((link) => !existsSync(join(root, dirname(page), link)))).toEqual([]);
  });

  it.each(pages)('%s links to headings that there are', (page) => {
    const links = [...read(page).matchAll(/\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)/g)];
    const dead = links.filter(
      ([, path, heading]) => !headingsOf(path === '' ? page : join(dirname(page), path)).includes(heading),
    );
    expect(dead.map(([link]) => link)).toEqual([]);
  });

  it.each(living)('%s names files that there are', (page) => {
    expect(pathsIn(page).filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it.each(living.filter((page) => /^(lib|native)\b/.test(page)))('%s names files of its room', (page) => {
    const names = [...read(page).matchAll(/`((?:\.\.\/|[\w-]+\/)*[\w-]+\.(?:ts|cc|h))`/g)].map(
      ([, name]) => name,
    );
    const missing = names.filter(
      (name) => !existsSync(join(root, name)) && !existsSync(join(root, dirname(page), name)),
    );
    expect(names.length).toBeGreaterThan(3);
    expect(missing).toEqual([]);
  });

  it('name many', () => {
    expect(living.flatMap(pathsIn).length).toBeGreaterThan(80);
  });

  it('docs/performance.md is one that a user reads to the end', () => {
    expect(read('docs/performance.md').split('\n').length).toBeLessThanOrEqual(121);
  });
});
