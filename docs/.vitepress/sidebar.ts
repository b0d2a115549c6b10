import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DefaultTheme } from 'vitepress';

/** A heading beside every page, and the pages below it. */
interface Section {
  readonly text: string;
  /** Paths from `docs/`, without `.md`, in the order in which they are shown; `lab/` is all that is in this folder. */
  readonly pages: readonly string[];
  /** Closed until a reader opens it. */
  readonly closed?: true;
}

const sections: readonly Section[] = [
  { text: 'Start', pages: ['README', 'introduction'] },
  {
    text: 'Tutorials',
    pages: [
      'tutorials/static-quantization',
      'tutorials/dynamic-quantization',
      'tutorials/x86-backend',
      'tutorials/eager-mode',
      'tutorials/fx-graph-mode',
      'tutorials/backend-config',
      'training',
      'numerics',
      'accuracy-control',
      'tutorials/image-classifier',
      'how-to-write-a-quantizer',
    ],
  },
  {
    text: 'Guides',
    pages: [
      'serving',
      'grpc',
      'operations',
      'deployment',
      'capacity',
      'observability',
      'security',
      'recipes',
      'report',
      'lowering',
      'onnx',
      'performance',
      'determinism',
      'pytorch-names',
    ],
  },
  { text: 'Internals', pages: ['architecture', 'internals/'], closed: true },
  { text: 'Lab', pages: ['lab/'], closed: true },
];

/** Pages that TypeDoc writes: each of them is linked from the first. */
const GENERATED = 'api/';

/**
 * What stands beside every page of the site.
 * @param docs the folder of the pages.
 * @throws Error that names the pages that are in no section, or in one but not there.
 */
export function sidebarOf(docs: string): DefaultTheme.SidebarItem[] {
  const there = pagesIn(docs);
  const shown = sections.map(({ pages, ...section }) => ({
    ...section,
    pages: pages.flatMap((page) =>
      page.endsWith('/') ? there.filter((one) => one.startsWith(page)) : [page],
    ),
  }));
  const listed = shown.flatMap(({ pages }) => pages);
  const unlisted = there.filter((page) => !listed.includes(page));
  const missing = listed.filter((page) => !there.includes(page));
  const problems = [
    ...unlisted.map((page) => `docs/${page}.md is in no section of docs/.vitepress/sidebar.ts`),
    ...missing.map((page) => `docs/${page}.md is in docs/.vitepress/sidebar.ts, but does not exist`),
  ];
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return [
    ...shown.map(({ text, pages, closed }) => ({
      text,
      collapsed: closed ?? false,
      items: pages.map((page) => ({ text: titleOf(join(docs, `${page}.md`)), link: `/${addressOf(page)}` })),
    })),
    { text: 'API', link: `/${GENERATED}` },
  ];
}

/** Where a page is on the site: that of a folder's README is the folder. */
function addressOf(page: string): string {
  return page.replace(/(^|\/)README$/, '$1');
}

/** All pages but those that TypeDoc writes; a folder's README comes first. */
function pagesIn(docs: string): string[] {
  return readdirSync(docs, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && !name.startsWith(GENERATED))
    .map((name) => name.replace(/\.md$/, ''))
    .sort((a, b) => (addressOf(a) < addressOf(b) ? -1 : 1));
}

/** The first heading of a page. */
function titleOf(file: string): string {
  const title = /^# (.+)$/m.exec(readFileSync(file, 'utf8'))?.[1];
  if (title === undefined) throw new Error(`${file} has no heading to be named by`);
  return title;
}
