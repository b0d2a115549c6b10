import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDataset } from '../../lib/data/index.ts';
import { writeNpy } from '../../lib/formats/npy.ts';
import { writeNpz } from '../../lib/formats/npz.ts';
import { exportModel, Tensor } from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { DataLoader, type TrainingBatch } from '../../lib/training/index.ts';
import { modelOf, symbolic } from '../data/models.ts';
import { epochOf, numbersOf, twelve } from '../support/loading.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-loader-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('a dataset', () => {
  const x = { x: { dtype: 'float32', shape: [2, 2] } } as const;
  class Identity extends nn.Module {
    override forward(input: nn.Value): nn.Value {
      return input;
    }
  }
  const model = exportModel(new Identity(), x);

  it.each(['npz', 'npy'] as const)('of a .%s file is read in any order', async (format) => {
    const path = join(folder, `data.${format}`);
    const arrays = { x: twelve.inputs.x, y: Tensor.from('uint8', twelve.targets.labels.toArray()) };
    await writeFile(path, format === 'npz' ? await writeNpz(arrays) : writeNpy(arrays.x));
    const dataset = await readDataset(path, { model });
    const options = { batchSize: 2, shuffle: true, seed: 3 };
    const [read, held] = [new DataLoader(dataset, options), new DataLoader(twelve, options)];
    const expected = (await epochOf(held)).map(({ inputs, targets }) => ({
      inputs,
      targets: format === 'npz' ? targets : {},
    }));
    expect(await epochOf(read)).toEqual(expected);
    const classes = format === 'npz' ? twelve.targets.labels.toArray() : undefined;
    expect(await dataset.labels()).toEqual(classes);
    await expect(dataset.examples([12])).rejects.toThrow('there is no example 12; they are 0 to 11');
    await expect(dataset.examples(new Array(3))).rejects.toThrow('there is no example undefined');
    for (const none of [[], undefined, 3])
      await expect(dataset.examples(none as never)).rejects.toThrow('by a list of their numbers');
  });

  it('of JSON lines is read in any order, each batch padded for itself', async () => {
    const path = join(folder, 'lines.jsonl');
    const lines = [
      { ids: [1], mask: [1], label: 0 },
      { ids: [2, 3, 4], mask: [1, 1, 1], label: 1 },
      { ids: [5, 6], mask: [1, 1], label: 0 },
    ];
    await writeFile(path, lines.map((line) => JSON.stringify(line)).join('\n'));
    const shape = [symbolic('batch'), symbolic('length')];
    const inputs = ['ids', 'mask'].map((name) => ({ name, dtype: 'int64', shape }) as const);
    const dataset = await readDataset(path, { model: modelOf(...inputs) });
    expect(await dataset.labels()).toEqual([0, 1, 0]);
    const loader = new DataLoader(dataset, { batchSize: 2, shuffle: true, seed: 1 });
    const batches = await epochOf(loader);
    const seen = batches.flatMap(({ inputs: { ids, mask }, targets: { labels } }) => {
      const width = ids.shape[1];
      return labels.toArray().map((label, row) => {
        const count = mask
          .toArray()
          .slice(row * width, (row + 1) * width)
          .filter((each) => each === 1).length;
        const list = ids.toArray().slice(row * width, (row + 1) * width);
        expect(list.slice(count)).toEqual(Array(width - count).fill(0));
        return JSON.stringify({ ids: list.slice(0, count), mask: Array(count).fill(1), label });
      });
    });
    expect(seen.sort()).toEqual(lines.map((line) => JSON.stringify(line)).sort());
    const ids = { name: 'ids', dtype: 'int64', shape } as const;
    const bare = join(folder, 'bare.jsonl');
    await writeFile(bare, '{"ids": [1]}\n{"ids": [2]}\n{"ids": [3, 4]}\n{"ids": [5, 6]}\n');
    const maskless = await readDataset(bare, { model: modelOf(ids), batch: 2 });
    expect(await maskless.labels()).toBeUndefined();
    expect((await maskless.examples([3, 2])).inputs.ids.toArray()).toEqual([5, 6, 3, 4]);
    await expect(maskless.examples([0, 2])).rejects.toThrow('line 1 has 1 tokens and would be padded to 2');
  });
});

describe('an iterable', () => {
  const examples = {
    async *[Symbol.asyncIterator]() {
      for (let i = 0; i < 5; i++)
        yield {
          inputs: { x: Tensor.from('float32', [i, i]) },
          targets: { labels: Tensor.scalar('int64', i) },
        };
    },
  };

  it('is batched in its order, epoch after epoch, and resumed', async () => {
    const loader = new DataLoader(examples, { batchSize: 2 });
    expect(loader.length).toBeUndefined();
    const batches = await epochOf(loader);
    expect(numbersOf(batches)).toEqual([[0, 1], [2, 3], [4]]);
    expect(batches[1].inputs.x).toEqual(Tensor.from('float32', [2, 2, 3, 3], [2, 2]));
    for await (const _ of loader) break;
    const resumed = new DataLoader(examples, { batchSize: 2 });
    resumed.loadStateDict(loader.stateDict());
    expect(numbersOf(await epochOf(resumed))).toEqual([[2, 3], [4]]);
    expect(resumed.epoch).toBe(2);
    const full = new DataLoader(examples, { batchSize: 2, dropLast: true });
    expect(numbersOf(await epochOf(full))).toEqual([
      [0, 1],
      [2, 3],
    ]);
  });

  it('is not shuffled, must begin anew, and hold examples that are alike', async () => {
    expect(() => new DataLoader(examples, { batchSize: 2, shuffle: true })).toThrow('read in its own order');
    const once = new DataLoader(examples[Symbol.asyncIterator](), { batchSize: 2 });
    await epochOf(once);
    await expect(epochOf(once)).rejects.toThrow('no examples in epoch 1; it must begin anew');
    const unlike = (second: TrainingBatch) => ({
      async *[Symbol.asyncIterator]() {
        yield { inputs: { x: Tensor.zeros('float32', [2]) }, targets: {} };
        yield second;
      },
    });
    const larger = unlike({ inputs: { x: Tensor.zeros('float32', [3]) }, targets: {} });
    await expect(epochOf(new DataLoader(larger, { batchSize: 2 }))).rejects.toThrow(
      "'x' is float32 [2] in one example of a batch, and float32 [3] in another",
    );
    const nameless = unlike({ inputs: {}, targets: {} });
    await expect(epochOf(new DataLoader(nameless, { batchSize: 2 }))).rejects.toThrow(
      'inputs.x, and one has not',
    );
    const { inputs } = { inputs: { x: Tensor.zeros('float32', [2]) } };
    const labelled = unlike({ inputs, targets: { labels: Tensor.scalar('int64', 1) } });
    await expect(epochOf(new DataLoader(labelled, { batchSize: 2 }))).rejects.toThrow(
      'targets.labels, and one has not',
    );
    for (const [none, message] of [
      [3, 'expected { inputs, targets } with tensors by name, got 3'],
      [{ inputs }, 'targets must be tensors by name, got undefined'],
      [{ inputs: { x: 4 }, targets: {} }, 'inputs.x must be a Tensor, got [object Number]'],
    ] as const)
      await expect(epochOf(new DataLoader(unlike(none as never), { batchSize: 2 }))).rejects.toThrow(
        `DataLoader: example 1 of the iterable: ${message}`,
      );
  });

  it('has enough examples for a batch, and for those that were given out before', async () => {
    const short = new DataLoader(examples, { batchSize: 6, dropLast: true });
    await expect(epochOf(short)).rejects.toThrow(
      '5 examples make no batch of 6, and dropLast leaves others out',
    );
    expect(short.epoch).toBe(0);
    const loader = new DataLoader(examples, { batchSize: 2 });
    loader.loadStateDict({ ...loader.stateDict(), position: 3 });
    expect(await epochOf(loader)).toEqual([]);
    loader.loadStateDict({ ...loader.stateDict(), position: 4 });
    await expect(epochOf(loader)).rejects.toThrow(
      'the iterable had 5 examples in epoch 1, but 4 batches of 2 were given out before',
    );
  });
});
