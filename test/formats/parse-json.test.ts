import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readDataset } from '../../lib/data/index.ts';
import { parseJson } from '../../lib/formats/parse-json.ts';
import { SymInt } from '../../lib/graph/index.ts';
import { loadModel } from '../../lib/runtime/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'octavo-json-'));
afterAll(() => rmSync(folder, { recursive: true }));

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
/** As many as no stack holds. */
const deep = nested(200_000);
const tooDeep = /nested deeper than 256/;

describe('JSON from files', () => {
  it('may hold lists in lists, and brackets in strings', () => {
    expect(JSON.stringify(parseJson(nested(200)))).toBe(nested(200));
    expect(parseJson(`{"a": "${'['.repeat(1000)}", "b": [null, 1]}`)).toMatchObject({ b: [null, 1] });
  });

  it('is refused where they are too deep', () => {
    expect(() => parseJson(deep)).toThrow(tooDeep);
    expect(() => parseJson(`{"a": {"b": ${deep}}}`)).toThrow(tooDeep);
    expect(() => parseJson('[')).toThrow(SyntaxError);
  });
});

describe('a file whose JSON is too deep', () => {
  function safetensors(header: string): Buffer {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    return Buffer.concat([length, Buffer.from(header)]);
  }
  const written = (name: string, content: string | Buffer) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const shape = [new SymInt(['n']), new SymInt(['length'])];
  const model = { inputs: [{ name: 'ids', dtype: 'int64', shape }] as const, rangeConstraints: new Map() };

  it.each([
    ['JSON lines, in a list', `{"ids": [${deep}]}`, tooDeep],
    ['JSON lines, in the label', `{"ids": [1], "label": ${deep}}`, tooDeep],
    ['safetensors', safetensors(`{"ids": {"dtype": ${deep}}}`), /header is not a JSON object/],
  ])('is refused: %s', async (name, content, message) => {
    await expect(readDataset(written(name, content), { model })).rejects.toThrow(message);
  });

  it('is refused: a saved model', async () => {
    const graph = `{"nodes": [{"name": "a", "op": "call_function", "target": "aten.relu.default", "args": [${deep}]}]}`;
    const metadata = { format: 'octavo', version: '1', graph, metadata: '{}' };
    const path = written('deep.octavo', safetensors(JSON.stringify({ __metadata__: metadata })));
    await expect(loadModel(path)).rejects.toThrow(tooDeep);
  });
});
