import { cp, mkdir, mkdtemp, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ModelRepository, serve } from '../../lib/serve/index.ts';
import { ask, saveNetwork } from './client.ts';

let folder: string;
let model: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-serve-'));
  model = join(folder, 'network.octavo');
  await saveNetwork(model);
});
afterAll(() => rm(folder, { recursive: true }));

/** A repository with the model at each of these paths. */
async function models(...paths: string[]): Promise<string> {
  const root = await mkdtemp(join(folder, 'models-'));
  for (const path of paths) await cp(model, join(root, path));
  return root;
}

describe('a folder of models', () => {
  it('is served though links lead nowhere, and a model is a folder', async () => {
    const root = await models('a.octavo', '.hidden.octavo');
    await symlink(join(root, 'nothing'), join(root, 'b.octavo'));
    await symlink(join(root, 'nothing'), join(root, 'c'));
    await mkdir(join(root, 'd', '1', 'model.octavo'), { recursive: true });
    await using repository = await ModelRepository.open(root);
    expect(repository.names).toEqual(['a']);
    await symlink(join(root, 'nothing'), join(root, 'e.octavo'));
    expect((await repository.index()).map(({ name }) => name)).toEqual(['a']);
    await repository.load('a');
  });

  it('may go away, which is said without the place where it was', async () => {
    const root = await models('a.octavo');
    await using server = await serve({ models: root, port: 0, modelControl: 'explicit' });
    await rename(root, `${root}.gone`);
    for (const path of ['/repository/index', '/repository/models/a/load']) {
      const { status, json } = await ask(server, path, {});
      expect(json).toEqual({ error: 'the model repository cannot be read: ENOENT' });
      expect(status).toBe(500);
    }
    expect((await ask(server, '/models/a/ready')).status).toBe(200);
  });

  it('refuses a model that is a file and a folder', async () => {
    const root = await models('model.octavo', 'model/2/model.octavo', 'other.octavo');
    const both = 'there are both model.octavo and model/2/model.octavo; remove one of them';
    await expect(ModelRepository.open(root)).rejects.toThrow(both);
    await rm(join(root, 'model.octavo'));
    await using repository = await ModelRepository.open(root);
    await cp(model, join(root, 'model.octavo'));
    await expect(repository.load('model')).rejects.toThrow(both);
    await repository.unload('model');
    expect(await repository.index()).toEqual([
      { name: 'model', version: '2', state: 'UNAVAILABLE', reason: both },
      { name: 'other', version: '1', state: 'READY', reason: '' },
    ]);
    await rm(join(root, 'model.octavo'));
    await repository.load('model');
    expect(repository.names).toEqual(['other', 'model']);
  });

  it('refuses names that cannot be served, and says so in its index', async () => {
    const root = await models('a.octavo');
    await using repository = await ModelRepository.open(root);
    await cp(model, join(root, 'my model.octavo'));
    await cp(model, join(root, 'ünï', '1', 'model.octavo'));
    const reason = expect.stringMatching(/letters of a to z, digits/);
    expect(await repository.index()).toEqual([
      { name: 'a', version: '1', state: 'READY', reason: '' },
      { name: 'my model', version: '1', state: 'UNAVAILABLE', reason },
      { name: 'ünï', version: '1', state: 'UNAVAILABLE', reason },
    ]);
    await expect(ModelRepository.open(root)).rejects.toThrow(/'my model', version 1: the name of a model/);
  });

  it('serves the longest names of files', async () => {
    const name = 'a'.repeat(255 - '.octavo'.length);
    await using server = await serve({ models: await models(`${name}.octavo`), port: 0 });
    expect((await ask(server, `/models/${name}/ready`)).json).toEqual({ name, ready: true });
  });

  it('is not named in what is wrong with its files', async () => {
    const root = await models('a.octavo');
    await using repository = await ModelRepository.open(root);
    await mkdir(join(root, 'a', '3'), { recursive: true });
    await rm(join(root, 'a.octavo'));
    await cp(import.meta.filename, join(root, 'a', '3', 'model.octavo'));
    await expect(repository.load('a')).rejects.toThrow(/model 'a', version 3: a\/3\/model\.octavo/);
    expect(JSON.stringify(await repository.index())).not.toContain(root);
  });
});

describe('one model, with a name of its own', () => {
  it('is a file, the file of a folder, or the newest of its versions', async () => {
    const folders = [
      await models('model.octavo', '.cache/other.octavo', 'README.md'),
      await models('1/model.octavo', '9/model.octavo', '10/model.octavo'),
    ];
    for (const [path, version] of [
      [model, '1'],
      [folders[0], '1'],
      [folders[1], '10'],
    ]) {
      await using server = await serve({ models: { name: 'resnet18', path }, port: 0 });
      expect((await ask(server, '/models/resnet18')).json).toMatchObject({
        name: 'resnet18',
        versions: [version],
      });
      expect((await ask(server, '/models/network')).status).toBe(404);
    }
  });

  it('is replaced by a newer version', async () => {
    const path = await models('1/model.octavo');
    await using repository = await ModelRepository.open({ name: 'resnet18', path });
    await cp(model, join(path, '2', 'model.octavo'));
    await repository.load('resnet18');
    expect(repository.model('resnet18').version).toBe('2');
    await expect(repository.load('model')).rejects.toThrow(/there is no model 'model'/);
  });

  it('is refused where it is several, or none', async () => {
    const open = async (...paths: string[]) =>
      ModelRepository.open({ name: 'resnet18', path: await models(...paths) });
    await expect(open('b.octavo', 'a.octavo')).rejects.toThrow(
      /'resnet18', version 1: there are both a\.octavo and b\.octavo; remove one of them/,
    );
    await expect(open('a.octavo', '3/model.octavo', '4/model.octavo')).rejects.toThrow(
      /'resnet18', version 4: there are both a\.octavo and 4\/model\.octavo; remove one of them/,
    );
    await expect(open('a/1/model.octavo')).rejects.toThrow(
      /there are no models; expected one \.octavo file or <version>\/model\.octavo/,
    );
    await expect(ModelRepository.open({ name: 'a/b', path: model })).rejects.toThrow(
      /'a\/b', version 1: the name of a model has letters/,
    );
  });
});
