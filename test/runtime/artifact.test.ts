import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile, loadModel } from '../../lib/runtime/index.ts';
import { decodeSafetensors, encodeSafetensors, Tensor } from '../../lib/tensor/index.ts';
import { uniform } from '../lowering/graph-builder.ts';
import { convNet } from './models.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function saved(name: string): Promise<string> {
  const path = join(folder, name);
  using model = compile(convNet());
  await model.save(path);
  return path;
}

/** A saved model with its metadata changed. */
async function altered(change: Record<string, string>): Promise<string> {
  const path = await saved('altered');
  const { tensors, metadata } = decodeSafetensors(await readFile(path), path);
  await writeFile(path, Buffer.concat(encodeSafetensors({ tensors, metadata: { ...metadata, ...change } })));
  return path;
}

describe('a saved model', () => {
  it('gives the same results when loaded', async () => {
    using original = compile(convNet());
    using loaded = await loadModel(await saved('same'));
    const x = uniform([3, 3, 8, 8], -1, 1, 5);
    expect((await loaded.run(x)).linear_default.toArray()).toEqual(
      (await original.run(x)).linear_default.toArray(),
    );
    expect(loaded.inputs.map(({ shape }) => String(shape))).toEqual(['s0,3,8,8']);
  });

  it('leaves nothing but the file, and nothing at all when it cannot be written', async () => {
    await saved('alone');
    using model = compile(convNet());
    await expect(model.save(join(folder, 'no', 'such', 'folder'))).rejects.toThrow(
      /folder could not be written: there is no folder .*such$/,
    );
    expect((await readdir(folder)).filter((name) => name.includes('tmp'))).toEqual([]);
  });

  it('holds its weights once, and no more than they take', async () => {
    const path = await saved('size');
    const weights = [...convNet().attributes.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
    expect((await readFile(path)).length).toBeLessThan(weights + 8192);
  });
});

describe('a file that is no saved model', () => {
  it('is refused when cut off anywhere', async () => {
    const path = await saved('whole');
    const bytes = await readFile(path);
    const cut = join(folder, 'cut');
    for (const length of [0, 5, 8, 100, bytes.length >> 1, bytes.length - 1]) {
      await writeFile(cut, bytes.subarray(0, length));
      await expect(loadModel(cut)).rejects.toThrow(/cut is not a valid safetensors file: /);
    }
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['another format', { format: 'pt' }, /not a model that Octavo saved/],
    ['another version', { version: '99' }, /format version 99; this version of Octavo reads 1/],
    ['no JSON', { graph: '{' }, /is damaged/],
    ['no graph', { graph: '[]' }, /is damaged: graph: graph must be an object/],
    ['an unknown op', { graph: nodes({ op: 'call_method' }) }, /unknown op 'call_method'/],
    [
      'a missing node',
      { graph: nodes({ op: 'output', args: [{ node: 'y' }] }) },
      /'y', which is no node before it/,
    ],
    [
      'a missing weight',
      { graph: nodes({ op: 'get_attr', target: 'nowhere' }) },
      /no parameter or buffer 'nowhere'/,
    ],
    ['an argument of no kind', { graph: nodes({ op: 'output', args: [{ a: 1 }] }) }, /argument of node 'n'/],
    [
      'an operator from nowhere',
      { graph: nodes({ op: 'call_function', target: 'os.system' }) },
      /not supported: os\.system/,
    ],
    ['no tuning', { tuning: '{"layers":[]}' }, /is damaged: tuning\.threads must be an array/],
    ['no output', { graph: JSON.stringify({ nodes: [] }) }, /no output node/],
  ])('is refused when it has %s', async (_, metadata, message) => {
    await expect(loadModel(await altered(metadata))).rejects.toThrow(message);
  });

  it('is refused when it is not there', async () => {
    await expect(loadModel(join(folder, 'nothing'))).rejects.toThrow(/nothing could not be opened: ENOENT/);
  });

  it('is refused when it is a folder', async () => {
    await expect(loadModel(folder)).rejects.toThrow(`${folder} is not a file`);
  });

  it('is refused when it holds tensors alone', async () => {
    const path = join(folder, 'tensors');
    const tensors = new Map([['a', Tensor.zeros('int8', [3])]]);
    await writeFile(path, Buffer.concat(encodeSafetensors({ tensors, metadata: {} })));
    await expect(loadModel(path)).rejects.toThrow(/not a model that Octavo saved/);
  });
});

/** A graph of one node beside the output. */
function nodes(node: object): string {
  const complete = { name: 'n', target: 'n', args: [], kwargs: {}, ...node };
  const output = { op: 'output', name: 'output', target: 'output', args: [[]], kwargs: {} };
  return JSON.stringify({ nodes: [complete, output] });
}
