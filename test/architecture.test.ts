import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

function filesUnder(folder: string, pattern: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => pattern.test(name))
    .map((name) => join(folder, name))
    .sort();
}

const read = (file: string) => readFileSync(join(root, file), 'utf8');

/** The rooms from top to bottom: the rows of the table in docs/architecture.md that name folders under `parent`. */
function roomsInDocument(parent: string): string[] {
  const rows = read('docs/architecture.md').matchAll(/^\| `(\w+\/[\w./-]+)` \|/gm);
  return [...rows].map(([, path = '']) => path).filter((path) => path.startsWith(parent));
}

/** The room a file lives in: the longest one in the list that its path starts with. */
function roomOf(file: string, rooms: readonly string[]): string | undefined {
  return rooms
    .filter((room) => file === room || file.startsWith(room))
    .sort((a, b) => b.length - a.length)[0];
}

interface Arrow {
  from: string;
  to: string;
  /** Whether the import survives compilation. */
  value: boolean;
}

/** All relative imports and re-exports of a TypeScript file. */
function arrowsOf(file: string): Arrow[] {
  const source = ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest);
  const arrows: Arrow[] = [];
  const add = (specifier: ts.Expression | undefined, value: boolean) => {
    if (!specifier || !ts.isStringLiteral(specifier) || !specifier.text.startsWith('.')) return;
    arrows.push({ from: file, to: join(dirname(file), specifier.text), value });
  };
  const visit = (node: ts.Node) => {
    if (ts.isImportDeclaration(node)) {
      const clause = node.importClause;
      const named = clause?.namedBindings && ts.isNamedImports(clause.namedBindings) && clause.namedBindings;
      const onlyTypes =
        clause?.isTypeOnly ||
        (named && !clause.name && named.elements.every((element) => element.isTypeOnly));
      add(node.moduleSpecifier, !onlyTypes);
    } else if (ts.isExportDeclaration(node)) {
      const named = node.exportClause && ts.isNamedExports(node.exportClause) && node.exportClause;
      add(
        node.moduleSpecifier,
        !(node.isTypeOnly || (named ? named.elements.every((one) => one.isTypeOnly) : false)),
      );
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], true);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal as ts.Expression, false);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return arrows;
}

/** All `#include "…"` of a C++ file; such paths start at native/. */
function includesOf(file: string): Arrow[] {
  return [...read(file).matchAll(/^\s*#\s*include "([^"]+)"/gm)].map(([, path = '']) => ({
    from: file,
    to: join('native', path),
    value: true,
  }));
}

/** Arrows that do not stay in their room or point down the table. */
function wrongArrows(arrows: readonly Arrow[], rooms: readonly string[]): string[] {
  const depth = (file: string) => rooms.indexOf(roomOf(file, rooms) ?? '');
  return arrows.filter(({ from, to }) => depth(to) < depth(from)).map(({ from, to }) => `${from} -> ${to}`);
}

/** All files that `start` loads, itself included. */
function loadedBy(start: string, arrows: readonly Arrow[]): ReadonlySet<string> {
  const loaded = new Set([start]);
  for (const file of loaded)
    for (const { from, to, value } of arrows) if (value && from === file) loaded.add(to);
  return loaded;
}

/**
 * Arrows that start in `room` and end in another place than itself and `allowed`. A place is a file, or a folder with a
 * slash at its end.
 */
function arrowsOut(room: string, arrows: readonly Arrow[], allowed: readonly string[]): string[] {
  return arrows
    .filter(({ from, to }) => roomOf(from, [room]) && !roomOf(to, [room, ...allowed]))
    .map(({ from, to }) => `${from} -> ${to}`);
}

/** Arrows that end in `room` and start in another place than itself and `allowed`. */
function arrowsInto(room: string, arrows: readonly Arrow[], allowed: readonly string[]): string[] {
  return arrows
    .filter(({ from, to }) => roomOf(to, [room]) && !roomOf(from, [room, ...allowed]))
    .map(({ from, to }) => `${from} -> ${to}`);
}

/** Every cycle that a depth-first walk closes, as `a -> b -> a`. */
function cycles(arrows: readonly Arrow[]): string[] {
  const targets = new Map<string, string[]>();
  for (const { from, to } of arrows) targets.set(from, [...(targets.get(from) ?? []), to]);
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (file: string, trail: readonly string[]) => {
    const start = trail.indexOf(file);
    if (start >= 0) {
      found.push([...trail.slice(start), file].join(' -> '));
      return;
    }
    if (done.has(file)) return;
    for (const target of targets.get(file) ?? []) walk(target, [...trail, file]);
    done.add(file);
  };
  for (const file of targets.keys()) walk(file, []);
  return found;
}

const libraryFiles = filesUnder('lib', /\.ts$/);
const nativeFiles = filesUnder('native', /\.(h|cc)$/);

/** Rooms, some of them still to come, of which a service loads nothing. */
const makingModels = [
  ...['lib/accuracy/', 'lib/aten/gradients/', 'lib/autograd/', 'lib/capture/', 'lib/data/', 'lib/eager/'],
  ...[
    'lib/lowering/passes/',
    'lib/nn/',
    'lib/numerics/',
    'lib/quantization/',
    'lib/recipes/',
    'lib/report/',
    'lib/training/',
    'lib/transforms/',
    'lib/tuning/',
  ],
];

describe('architecture: lib', () => {
  const rooms = roomsInDocument('lib/');
  const arrows = libraryFiles.flatMap(arrowsOf);

  it('every file is in a room of docs/architecture.md, and every room there exists', () => {
    expect(libraryFiles.filter((file) => !roomOf(file, rooms))).toEqual([]);
    expect(rooms.filter((room) => !libraryFiles.some((file) => roomOf(file, rooms) === room))).toEqual([]);
  });

  it('imports point down the table', () => {
    expect(arrows.length).toBeGreaterThan(50);
    expect(wrongArrows(arrows, rooms)).toEqual([]);
  });

  it('a service loads nothing that makes models', () => {
    const loaded = loadedBy('lib/runtime/index.ts', arrows);
    expect(loaded.size).toBeGreaterThan(30);
    expect([...loaded].filter((file) => roomOf(file, makingModels))).toEqual([]);
  });

  // The two walls around rooms that may be empty hold for all files that will stand there.
  it('a server knows models by what octavo/runtime exports, and only its command knows the server', () => {
    expect(arrowsOut('lib/serve/', arrows, ['lib/runtime/index.ts', 'lib/options.ts'])).toEqual([]);
    expect(arrowsInto('lib/serve/', arrows, ['lib/cli/serve/'])).toEqual([]);
  });

  it('the ONNX reader and the ONNX writer do not see each other', () => {
    const [reader, writer] = ['lib/capture/onnx/reader/', 'lib/capture/onnx/writer/'];
    expect(libraryFiles.filter((file) => roomOf(file, [writer])).length).toBeGreaterThan(5);
    const between = arrows.filter(
      ({ from, to }) =>
        (roomOf(from, [reader]) && roomOf(to, [writer])) || (roomOf(from, [writer]) && roomOf(to, [reader])),
    );
    expect(between).toEqual([]);
  });

  it('file formats know tensors and nothing of graphs', () => {
    expect(arrowsOut('lib/formats/', arrows, ['lib/tensor/'])).toEqual([]);
  });

  it("a report's script knows the facts and how they are written, and nothing of Node", () => {
    const known = ['channels.ts', 'facts.ts', 'format.ts', 'names.ts'].map((file) => `lib/report/${file}`);
    expect(arrowsOut('lib/report/browser/', arrows, known)).toEqual([]);
  });

  it('no file needs itself through others, not even for types', () => {
    expect(cycles(arrows)).toEqual([]);
  });
});

describe('architecture: native', () => {
  const rooms = roomsInDocument('native/');
  const arrows = nativeFiles.flatMap(includesOf);

  it('every file is in a room of docs/architecture.md, and every room there exists', () => {
    expect(nativeFiles.filter((file) => !roomOf(file, rooms))).toEqual([]);
    expect(rooms.filter((room) => !nativeFiles.some((file) => roomOf(file, rooms) === room))).toEqual([]);
  });

  it('includes point down the table', () => {
    expect(arrows.length).toBeGreaterThan(20);
    expect(wrongArrows(arrows, rooms)).toEqual([]);
    expect(cycles(arrows)).toEqual([]);
  });

  it('families of steps do not know each other', () => {
    const familyOf = (file: string) => /^native\/steps\/(\w+)\//.exec(file)?.[1];
    const families = new Set(nativeFiles.map(familyOf));
    expect(families.size).toBeGreaterThan(5);
    const between = arrows.filter(({ from, to }) => {
      const [a, b] = [familyOf(from), familyOf(to)];
      return a && b && a !== b;
    });
    expect(between).toEqual([]);
  });

  it('only native/onednn knows which oneDNN it was built against', () => {
    const knowing = nativeFiles.filter((file) => /dnnl\.hp?p?|DNNL_VERSION|OCTAVO_ONEDNN_3/.test(read(file)));
    expect(knowing.length).toBeGreaterThan(0);
    expect(knowing.filter((file) => !file.startsWith('native/onednn/'))).toEqual([]);
  });

  it('only native/binding and the registration know Node-API', () => {
    const knowing = nativeFiles.filter((file) => /\bnapi\.h|\bNapi::|node_api\.h/.test(read(file)));
    expect(knowing).toContain('native/addon.cc');
    expect(knowing.filter((file) => !/^native\/(binding\/|addon\.cc)/.test(file))).toEqual([]);
  });
});

describe('architecture: files', () => {
  it('stay short enough to be read in one sitting', () => {
    const limit = 350;
    const sources = [
      ...libraryFiles,
      ...nativeFiles,
      ...filesUnder('test', /\.ts$/),
      ...filesUnder('bench', /\.ts$/),
      ...filesUnder('fuzz', /\.ts$/),
    ];
    const long = sources
      .map((file) => ({ file, lines: read(file).trimEnd().split('\n').length }))
      .filter(({ lines }) => lines > limit);
    expect(long).toEqual([]);
  });
});

describe('architecture: folders', () => {
  /** What orders the files of a folder that is not divided: a file that imports each of them, and the folder. */
  const lists: Readonly<Record<string, string>> = {
    'lib/lowering/passes': 'lib/lowering/lower.ts',
  };

  it('hold at most 25 files, or a list puts them in order', () => {
    const inFolder = new Map<string, Set<string>>();
    for (const file of [...libraryFiles, ...nativeFiles]) {
      // A C++ source and its header count once.
      const name = file.replace(/\.\w+$/, '');
      const folder = dirname(file);
      inFolder.set(folder, (inFolder.get(folder) ?? new Set()).add(name));
    }
    const full = [...inFolder].filter(([, files]) => files.size > 25).map(([folder]) => folder);
    expect(full).toEqual(Object.keys(lists));
    for (const folder of full) {
      const listed = new Set(arrowsOf(lists[folder]).map(({ to }) => to.replace(/\.ts$/, '')));
      expect([...inFolder.get(folder)!].filter((file) => !listed.has(file))).toEqual([]);
    }
  });
});

const arrow = (from: string, to: string, value = true): Arrow => ({ from, to, value });

describe('the walk that finds cycles', () => {
  it('names the files of a cycle', () => {
    expect(cycles([arrow('a', 'b'), arrow('b', 'c'), arrow('c', 'b')])).toEqual(['b -> c -> b']);
    expect(cycles([arrow('a', 'b'), arrow('a', 'c'), arrow('b', 'c')])).toEqual([]);
  });
});

describe('the walls', () => {
  const arrows = [
    arrow('lib/serve/rest.ts', 'lib/serve/tensors.ts'),
    arrow('lib/serve/rest.ts', 'lib/runtime/index.ts'),
    arrow('lib/serve/rest.ts', 'lib/runtime/threads.ts', false),
    arrow('lib/cli/serve-command.ts', 'lib/serve/rest.ts'),
    arrow('lib/index.ts', 'lib/serve/rest.ts'),
    arrow('lib/runtime/index.ts', 'lib/aten/index.ts'),
    arrow('lib/runtime/index.ts', 'lib/nn/index.ts', false),
  ];

  it('find what leaves a room and what enters it, types included', () => {
    expect(arrowsOut('lib/serve/', arrows, ['lib/runtime/index.ts'])).toEqual([
      'lib/serve/rest.ts -> lib/runtime/threads.ts',
    ]);
    expect(arrowsInto('lib/serve/', arrows, ['lib/cli/serve-command.ts'])).toEqual([
      'lib/index.ts -> lib/serve/rest.ts',
    ]);
  });

  it('follow what is loaded, types left out', () => {
    expect([...loadedBy('lib/runtime/index.ts', arrows)]).toEqual([
      'lib/runtime/index.ts',
      'lib/aten/index.ts',
    ]);
  });
});
