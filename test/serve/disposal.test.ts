import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ModelRepository } from '../../lib/serve/index.ts';
import { uniform } from '../support/graph-builder.ts';
import { saveNetwork } from './client.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-serve-'));
  for (const name of ['a', 'b']) await saveNetwork(join(folder, `${name}.octavo`));
});
afterAll(() => rm(folder, { recursive: true }));

const x = uniform([1, 3, 8, 8], -1, 1, 1);

it('a repository may be disposed of twice at once, and beside an unload', async () => {
  const repository = await ModelRepository.open(folder);
  const { model } = repository.model('a');
  const unload = repository.unload('b');
  await Promise.all([repository[Symbol.asyncDispose](), unload, repository[Symbol.asyncDispose]()]);
  expect(repository.names).toEqual([]);
  await expect(model.run(x)).rejects.toThrow('disposed');
});

it('a load under way ends with it, and later ones are refused', async () => {
  const repository = await ModelRepository.open(folder);
  await repository.unload('a');
  const loads = [repository.load('a'), repository.load('b')];
  const disposed = repository[Symbol.asyncDispose]();
  await loads[0];
  const { model } = repository.model('a');
  await Promise.all([...loads, disposed]);
  await expect(model.run(x)).rejects.toThrow('disposed');
  for (const late of [repository.load('a'), repository.unload('a')])
    await expect(late).rejects.toMatchObject({ status: 503 });
  expect(repository.names).toEqual([]);
});

it('waits for the requests of a model that a newer file has replaced', async () => {
  const repository = await ModelRepository.open(folder);
  const old = repository.model('a');
  await rm(join(folder, 'a.octavo'));
  await saveNetwork(join(folder, 'a.octavo'));
  let finish = () => {};
  const used = old.use(
    () =>
      new Promise<void>((resolve) => {
        finish = resolve;
      }),
  );
  await repository.load('a');
  expect(repository.model('a')).not.toBe(old);
  let isDisposed = false;
  const disposed = repository[Symbol.asyncDispose]().then(() => {
    isDisposed = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(isDisposed).toBe(false);
  await old.model.run(x);
  finish();
  await Promise.all([used, disposed]);
  await expect(old.model.run(x)).rejects.toThrow('disposed');
});
