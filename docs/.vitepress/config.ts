import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';
import { forTheSite } from './markdown.ts';
import { sidebarOf } from './sidebar.ts';

const docs = fileURLToPath(new URL('..', import.meta.url));

/** The site of `npm run docs`: the pages of this folder, and in `api/` those that TypeDoc has made of the sources. */
export default defineConfig({
  title: 'Octavo',
  description: 'int8 inference for Node: the PyTorch 2 Export quantization flow on oneDNN',
  outDir: '../build/site',
  cacheDir: '../build/vitepress',
  rewrites: { 'README.md': 'index.md', 'lab/README.md': 'lab/index.md' },
  markdown: { config: forTheSite },
  themeConfig: {
    sidebar: sidebarOf(docs),
    outline: [2, 3],
    search: { provider: 'local' },
  },
});
