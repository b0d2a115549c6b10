import { posix } from 'node:path';
import type { MarkdownEnv, MarkdownRenderer } from 'vitepress';

/** The pages are written for whoever reads them as files; this is what the site shows differently. */
export function forTheSite(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push('indented blocks', ({ tokens }) => {
    for (const token of tokens)
      if (token.type === 'code_block') Object.assign(token, { type: 'fence', tag: 'code', info: 'text' });
  });
  // A folder's README.md is its index. Links that leave docs/ lose their address: the site does not have what they lead to,
  // sources and examples.
  markdown.core.ruler.push('links', ({ tokens, env }) => {
    const { relativePath } = env as MarkdownEnv;
    for (const { children } of tokens) {
      let leaves = false;
      for (const token of children ?? []) {
        if (token.type === 'link_open') {
          const href = token.attrGet('href')!;
          leaves = posix.join(posix.dirname(relativePath), href).startsWith('../');
          token.attrSet('href', href.replace(/(^|\/)README\.md(?=#|$)/, '$1index.md'));
        }
        if (leaves && /^link_(open|close)$/.test(token.type)) token.type = 'text';
      }
    }
  });
}
