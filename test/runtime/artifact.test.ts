import {
  chmod,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { encodeSafetensors } from '../../lib/formats/safetensors.ts';
import { lower } from '../../lib/lowering/index.ts';
import { addon } from '../../lib/native/addon.ts';
import { type CompileOptions, compile, loadModel } from '../../lib/runtime/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { decodeSafetensors } from '../support/decode-safetensors.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';
import { convNet } from '../support/models.ts';

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
  it('keeps numbers that JSON has no words for', async () => {
    const b = new GraphBuilder();
    const x = b.input('x', [1, 3]);
    const pad = (fill: number) => b.call('aten.pad.default', x, [1, 0], 'constant', fill);
    const path = join(folder, 'infinite');
    const { module } = lower(b.finish(pad(Infinity), pad(-Infinity), pad(NaN)));
    using model = compile(module);
    await model.save(path);
    using loaded = await loadModel(path);
    const results = Object.values(await loaded.run(Tensor.from('float32', [1, 2, 3], [1, 3])));
    expect(results.map((result) => [...result.toArray()])).toEqual([
      [Infinity, 1, 2, 3],
      [-Infinity, 1, 2, 3],
      [NaN, 1, 2, 3],
    ]);
  });

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

  it('goes where a link leads, with the permissions of the file that it replaces', async () => {
    const [path, link] = [await saved('linked'), join(folder, 'link')];
    await chmod(path, 0o640);
    await symlink('linked', link);
    const before = await stat(path);
    using model = compile(convNet());
    await model.save(link);
    expect(await readlink(link)).toBe('linked');
    const after = await stat(path);
    expect(after.ino).not.toBe(before.ino);
    expect(after.mode).toBe(before.mode);
    using loaded = await loadModel(path);
    expect(loaded.inputs).toHaveLength(1);
  });

  it.each([[undefined], [''], [3]])('needs a name, and %j is none', async (path) => {
    using model = compile(convNet());
    await expect(model.save(path as string)).rejects.toThrow(
      `save: path must be a string that names a file, got ${JSON.stringify(path)}`,
    );
  });

  it('holds its weights once, and no more than they take', async () => {
    const path = await saved('size');
    const weights = [...convNet().attributes.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
    expect((await readFile(path)).length).toBeLessThan(weights + 8192);
  });
});

/** Whether this process has a descriptor of the file. */
async function isOpen(path: string): Promise<boolean> {
  const links = await readdir('/proc/self/fd');
  const targets = await Promise.all(links.map((link) => readlink(`/proc/self/fd/${link}`).catch(() => '')));
  return targets.includes(path);
}

describe('the file of a loaded model', () => {
  const x = uniform([2, 3, 8, 8], -1, 1, 5);
  const expected = async () => {
    using original = compile(convNet());
    return (await original.run(x)).linear_default.toArray();
  };

  it('may be replaced or deleted: weights are still there, for other shapes and to be saved', async () => {
    const [path, again] = [await saved('replaced'), join(folder, 'again')];
    using loaded = await loadModel(path);
    await loaded.run(uniform([1, 3, 8, 8], -1, 1, 5));
    await writeFile(join(folder, 'other'), 'another file');
    await rename(join(folder, 'other'), path);
    await rm(path);
    expect((await loaded.run(x)).linear_default.toArray()).toEqual(await expected());
    await loaded.save(again);
    using reloaded = await loadModel(again);
    expect((await reloaded.run(x)).linear_default.toArray()).toEqual(await expected());
  });

  it('may be saved over by the model itself', async () => {
    const path = await saved('over');
    using loaded = await loadModel(path);
    await loaded.save(path);
    await loaded.save(path);
    using reloaded = await loadModel(path);
    expect((await reloaded.run(x)).linear_default.toArray()).toEqual(await expected());
  });

  it.each<[string, (path: string) => Promise<void>]>([
    ['written to', async (path) => writeFile(path, (await readFile(path)).reverse(), { flag: 'r+' })],
    ['cut off', (path) => truncate(path, 2000)],
  ])('is not taken for the same when it was %s', async (_, change) => {
    const path = await saved('changed');
    using loaded = await loadModel(path);
    const ready = uniform([1, 3, 8, 8], -1, 1, 5);
    const before = (await loaded.run(ready)).linear_default.toArray();
    await change(path);
    const reason = /weights of .*changed cannot be read: the file .*changed after the model was loaded/;
    await expect(loaded.run(x)).rejects.toThrow(reason);
    expect(() => loaded.runSync(x)).toThrow(reason);
    await expect(loaded.save(join(folder, 'never'))).rejects.toThrow(reason);
    // What was packed is as it was.
    expect((await loaded.run(ready)).linear_default.toArray()).toEqual(before);
  });

  it('is closed when the model is disposed of', async () => {
    const path = await saved('closed');
    const loaded = await loadModel(path);
    await loaded.run(x);
    expect(await isOpen(path)).toBe(true);
    loaded.dispose();
    expect(await isOpen(path)).toBe(false);
  });

  it.each<[string, CompileOptions]>([
    ['threads', { streams: 0 }],
    ['maxQueue', { maxQueue: -1 }],
  ])('is closed when it cannot be compiled: %s', async (_, options) => {
    const path = await saved('refused');
    await expect(loadModel(path, options)).rejects.toThrow('compile: ');
    expect(await isOpen(path)).toBe(false);
  });

  it('is not called damaged when the system cannot open it once more', async () => {
    const path = await saved('unopened');
    const reason = `weights of ${path} cannot be read: Too many open files`;
    const openWeights = vi.spyOn(addon, 'openWeights').mockImplementationOnce(() => {
      throw new Error(reason);
    });
    try {
      await expect(loadModel(path)).rejects.toThrow(new Error(reason));
    } finally {
      openWeights.mockRestore();
    }
  });
});

describe('a compiled model', () => {
  it('does not see what becomes of the memory it was compiled from', async () => {
    const module = convNet();
    const x = uniform([2, 3, 8, 8], -1, 1, 5);
    using original = compile(convNet());
    using model = compile(module);
    for (const { data } of module.attributes.values()) (data as Float32Array).fill(Number.NaN);
    expect((await model.run(x)).linear_default.toArray()).toEqual(
      (await original.run(x)).linear_default.toArray(),
    );
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
