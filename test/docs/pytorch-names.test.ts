import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const pathOf = (file: string) => fileURLToPath(new URL(`../../${file}`, import.meta.url));
const read = (file: string) => readFileSync(pathOf(file), 'utf8');

const faces: Readonly<Record<string, string>> = {
  octavo: pathOf('lib/index.ts'),
  'octavo/eager': pathOf('lib/eager/index.ts'),
  'octavo/numerics': pathOf('lib/numerics/index.ts'),
  'nn.intrinsic': pathOf('lib/nn/intrinsic/index.ts'),
  'nn.qat': pathOf('lib/nn/qat/index.ts'),
  'nn.quantized': pathOf('lib/nn/quantized/index.ts'),
  'nn.quantized.dynamic': pathOf('lib/nn/quantized/dynamic/index.ts'),
};
const program = ts.createProgram(Object.values(faces), {
  target: ts.ScriptTarget.ESNext,
  module: ts.ModuleKind.NodeNext,
  allowImportingTsExtensions: true,
  noEmit: true,
});
const checker = program.getTypeChecker();
const exportsOf = (face: string) => {
  const file = checker.getSymbolAtLocation(program.getSourceFile(faces[face]!)!)!;
  return new Set(checker.getExportsOfModule(file).map(({ name }) => name));
};
const exported = new Map(Object.keys(faces).map((face) => [face, exportsOf(face)]));

/** The rows of the page's tables under each of PyTorch's modules. */
const sections = read('docs/pytorch-names.md')
  .split(/^## /m)
  .slice(1)
  .map((section) => {
    const module = /^`([\w.]+)`$/m.exec(section)?.[1];
    const rows = [...section.matchAll(/^\| (`.+?) \| (.+) \|$/gm)].map(([, left = '', right = '']) => ({
      theirs: [...left.matchAll(/`(\w+)`/g)].map(([, name]) => name!),
      right,
    }));
    return { module, rows };
  });

describe('docs/pytorch-names.md', () => {
  const all = sections.flatMap(({ rows }) => rows);

  it('names what is exported', () => {
    expect(all.length).toBeGreaterThan(100);
    for (const { right } of all)
      for (const [, name = '', face = 'octavo'] of right.matchAll(/`([A-Za-z]\w*)`(?: \(([\w/.]+)\))?/g))
        expect(exported.get(face)?.has(name), `${name} of ${face}`).toBe(true);
  });

  it('says where each name is, or why not', () => {
    for (const { theirs, right } of all)
      expect(right, theirs.join()).toMatch(/^(?:`[A-Za-z]\w*`|not here(?:: .{10,}|, as above)$)/);
  });

  it('does not call absent what is exported', () => {
    const all = new Set([...exported.values()].flatMap((names) => [...names]));
    const camelCase = (name: string) =>
      name.replace(/_$/, '').replace(/(?<=.)_(\w)/g, (_, letter) => letter.toUpperCase());
    // Several of PyTorch's modules have layers of one name.
    const functions = sections.filter(({ module }) => !module?.startsWith('torch.ao.nn.'));
    const wrong = functions.flatMap(({ module, rows }) =>
      rows.flatMap(({ theirs, right }) =>
        right.startsWith('not here')
          ? theirs.filter((name) => all.has(camelCase(name))).map((name) => `${module}.${name}`)
          : [],
      ),
    );
    expect(wrong).toEqual([]);
  });

  // Written by script/goldens/public_names.py.
  const names = JSON.parse(read('test/fixtures/quantization/public-names.json')) as Record<string, string[]>;
  it.each(Object.entries(names))('has every name of %s', (module, expected) => {
    const found = sections.filter((section) => section.module === module).flatMap(({ rows }) => rows);
    expect(found.flatMap(({ theirs }) => theirs).sort()).toEqual([...expected].sort());
  });
});
