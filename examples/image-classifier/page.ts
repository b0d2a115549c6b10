import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** A file of the page. */
export interface PageFile {
  readonly path: string;
  readonly type: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The page has nothing of elsewhere and nothing inline; what people choose to look at is shown from their own memory. */
const policy = [
  "default-src 'none'",
  ...["script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self' blob:"],
  ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
].join('; ');

const headers = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
};

/** The page, its style and its script, made of `page/`. */
export async function pageFiles(): Promise<readonly PageFile[]> {
  const folder = fileURLToPath(new URL('page/', import.meta.url));
  const read = (name: string) => readFile(`${folder}${name}`, 'utf8');
  const { outputFiles } = await build({
    entryPoints: [`${folder}main.ts`],
    bundle: true,
    write: false,
    charset: 'utf8',
    format: 'esm',
    target: 'es2022',
  });
  const files = [
    { path: '/', type: 'text/html; charset=utf-8', body: await read('index.html') },
    { path: '/style.css', type: 'text/css; charset=utf-8', body: await read('style.css') },
    { path: '/main.js', type: 'text/javascript; charset=utf-8', body: outputFiles[0].text },
    { path: '/icon.svg', type: 'image/svg+xml', body: await read('icon.svg') },
  ];
  return files.map((file) => ({ ...file, headers }));
}
