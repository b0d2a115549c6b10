import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import * as octavo from '../lib/index.ts';
import * as runtime from '../lib/runtime/index.ts';

const pathOf = (file: string) => fileURLToPath(new URL(`../${file}`, import.meta.url));
const faces = { octavo: pathOf('lib/index.ts'), runtime: pathOf('lib/runtime/index.ts') };
const program = ts.createProgram(Object.values(faces), {
  target: ts.ScriptTarget.ESNext,
  module: ts.ModuleKind.NodeNext,
  allowImportingTsExtensions: true,
  noEmit: true,
});
const checker = program.getTypeChecker();

const original = (symbol: ts.Symbol) =>
  symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;

/** What a file exports, functions, classes and types, by name. */
function exportsOf(path: string): ReadonlyMap<string, ts.Symbol> {
  const file = checker.getSymbolAtLocation(program.getSourceFile(path)!)!;
  return new Map(checker.getExportsOfModule(file).map((symbol) => [symbol.name, original(symbol)]));
}

/** Whether users see it: no implementation, nothing private or internal. */
function isSeen(node: ts.Node): boolean {
  if (ts.isBlock(node) || ts.isExpression(node)) return false;
  if (
    ts.isConstructorDeclaration(node) &&
    ts.getJSDocTags(node).some(({ tagName }) => tagName.text === 'internal')
  )
    return false;
  if (!ts.isClassElement(node)) return true;
  const isPrivate = ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Private;
  return !isPrivate && !(node.name && ts.isPrivateIdentifier(node.name));
}

const isOurs = (node: ts.Node) => node.getSourceFile().fileName.startsWith(pathOf('lib/'));

/** Types of this project that a declaration mentions. */
function mentioned(node: ts.Node, found = new Set<ts.Symbol>()): ReadonlySet<ts.Symbol> {
  if (ts.isTypeReferenceNode(node) || ts.isExpressionWithTypeArguments(node)) {
    const name = ts.isTypeReferenceNode(node) ? node.typeName : node.expression;
    const symbol = checker.getSymbolAtLocation(name);
    const type = symbol && original(symbol);
    const [declared] = type?.declarations ?? [];
    if (type && declared && !ts.isTypeParameterDeclaration(declared) && isOurs(declared)) found.add(type);
  }
  ts.forEachChild(node, (child) => {
    if (isSeen(child) || ts.isExpressionWithTypeArguments(child)) mentioned(child, found);
  });
  return found;
}

describe('octavo/runtime', () => {
  const exported = exportsOf(faces.runtime);

  it('gives the same functions and classes as octavo', () => {
    expect(Object.keys(runtime).length).toBeGreaterThan(5);
    expect(octavo).toMatchObject(runtime);
  });

  it('exports nothing that octavo does not', () => {
    const all = exportsOf(faces.octavo);
    expect([...exported].filter(([name, symbol]) => all.get(name) !== symbol).map(([name]) => name)).toEqual(
      [],
    );
  });

  it('exports every type that its exports mention', () => {
    // A graph to compile can only come from octavo, and its types with it.
    const known = new Set([...exported.values(), exportsOf(faces.octavo).get('GraphModule')]);
    const missing = [...exported].flatMap(([name, symbol]) =>
      (symbol.declarations ?? [])
        .flatMap((declaration) => [...mentioned(declaration)])
        .filter((type) => !known.has(type))
        .map((type) => `${type.name} in ${name}`),
    );
    expect([...new Set(missing)].sort()).toEqual([]);
  });
});
