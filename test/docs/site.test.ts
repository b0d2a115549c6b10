import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createMarkdownRenderer } from 'vitepress';
import { afterAll, describe, expect, it } from 'vitest';
import { forTheSite } from '../../docs/.vitepress/markdown.ts';
import { sidebarOf } from '../../docs/.vitepress/sidebar.ts';

const docs = fileURLToPath(new URL('../../docs', import.meta.url));
const overview = readFileSync(join(docs, 'README.md'), 'utf8');
const sections = sidebarOf(docs);

describe('the sidebar', () => {
  const copy = mkdtempSync(join(tmpdir(), 'octavo-docs-'));
  afterAll(() => rmSync(copy, { recursive: true }));
  cpSync(docs, copy, { recursive: true });

  it('names pages by their first heading', () => {
    expect(sections[0].items).toContainEqual({
      text: 'An introduction to quantization',
      link: '/introduction',
    });
  });

  it('misses no page', () => {
    writeFileSync(join(copy, 'forgotten.md'), '# Forgotten\n');
    expect(() => sidebarOf(copy)).toThrow('docs/forgotten.md is in no section of docs/.vitepress/sidebar.ts');
    rmSync(join(copy, 'forgotten.md'));
    expect(sidebarOf(copy)).toEqual(sections);
  });

  it('names no page that is not there', () => {
    renameSync(join(copy, 'onnx.md'), join(copy, 'onnx.txt'));
    expect(() => sidebarOf(copy)).toThrow(
      'docs/onnx.md is in docs/.vitepress/sidebar.ts, but does not exist',
    );
    renameSync(join(copy, 'onnx.txt'), join(copy, 'onnx.md'));
  });
});

describe('docs/README.md', () => {
  const listed = sections
    .filter(({ text }) => text !== 'Lab')
    .flatMap(({ items = [] }) => items)
    .map(({ link }) => link!.slice(1))
    .filter((page) => page !== '');

  it.each(listed)('links to %s', (page) => expect(overview).toContain(`](${page}.md)`));
});

describe('pages on the site', async () => {
  const { render } = await createMarkdownRenderer(docs, { config: forTheSite });
  const html = (markdown: string) => render(markdown, { relativePath: 'lab/page.md' });

  it('keep links to pages, and to others', () => {
    expect(html('[a](../onnx.md#what)')).toContain('href="./../onnx.html#what"');
    expect(html('[a](https://pytorch.org)')).toContain('href="https://pytorch.org"');
  });

  it('have the README of a folder as its index', () => {
    expect(html('[a](README.md#b)')).toContain('href="./#b"');
  });

  it('have no links to what the site does not have', () => {
    expect(html('in [`examples`](../../examples) and [b](../onnx.md)')).toMatch(
      /in <code[^>]*>examples<\/code> and <a href="[^"]*onnx.html">b<\/a>/,
    );
  });

  it('show indented blocks as code', () => {
    expect(html('    npx octavo info')).toContain('language-text');
  });
});
