import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Batch, readDataset } from '../../lib/data/index.ts';
import type { TensorInfo } from '../../lib/graph/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { modelOf, symbolic, withRanges } from './models.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-tokens-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileOf(...lines: readonly unknown[]): Promise<string> {
  const path = join(await mkdtemp(join(folder, 'file-')), 'tokens.jsonl');
  await writeFile(
    path,
    lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'),
  );
  return path;
}

const input = (name: string, length?: number, dtype: TensorInfo['dtype'] = 'int64'): TensorInfo => ({
  name,
  dtype,
  shape: [symbolic('s0'), length ?? symbolic('s1')],
});
const encoder = (length?: number) => [input('input_ids', length), input('attention_mask', length)];
const int64 = (values: number[][]) => Tensor.from('int64', values.flat(), [values.length, values[0].length]);

const lines = [
  { input_ids: [5, 6], attention_mask: [1, 1], label: 1 },
  { label: 0, attention_mask: [1], input_ids: [7] },
  '',
  { input_ids: [1, 2, 3], attention_mask: [1, 1, 1], label: 2 },
];

async function batchesOf(path: string, inputs: readonly TensorInfo[], batch: number): Promise<Batch[]> {
  const batches: Batch[] = [];
  for await (const each of await readDataset(path, { model: modelOf(...inputs), batch })) batches.push(each);
  return batches;
}

describe('lists of token ids', () => {
  it('are padded to the longest of the batch', async () => {
    const path = await fileOf(...lines);
    const dataset = await readDataset(path, { model: modelOf(...encoder()), batch: 2 });
    expect(dataset).toMatchObject({ size: 3, hasLabels: true, preprocessing: undefined });
    expect(await batchesOf(path, encoder(), 2)).toEqual([
      {
        inputs: {
          input_ids: int64([
            [5, 6],
            [7, 0],
          ]),
          attention_mask: int64([
            [1, 1],
            [1, 0],
          ]),
        },
        labels: [1, 0],
      },
      { inputs: { input_ids: int64([[1, 2, 3]]), attention_mask: int64([[1, 1, 1]]) }, labels: [2] },
    ]);
  });

  it('are padded to the length that the model fixes', async () => {
    const [{ inputs }] = await batchesOf(await fileOf(...lines), encoder(4), 3);
    expect(inputs).toEqual({
      input_ids: int64([
        [5, 6, 0, 0],
        [7, 0, 0, 0],
        [1, 2, 3, 0],
      ]),
      attention_mask: int64([
        [1, 1, 0, 0],
        [1, 0, 0, 0],
        [1, 1, 1, 0],
      ]),
    });
  });

  it('have the dtypes of the inputs', async () => {
    const inputs = [input('input_ids', 2, 'int32'), input('attention_mask', 2, 'float32')];
    const [batch] = await batchesOf(await fileOf(lines[0]), inputs, 1);
    expect(batch.inputs).toEqual({
      input_ids: Tensor.from('int32', [5, 6], [1, 2]),
      attention_mask: Tensor.from('float32', [1, 1], [1, 2]),
    });
  });

  it('need no mask where all have one length, and no particular name for a model with one input', async () => {
    const path = await fileOf({ ids: [1, 2] }, { ids: [3, 4] }, { ids: [5, 6, 7] });
    const model = modelOf(input('tokens'));
    await expect(readDataset(path, { model, batch: 3 })).rejects.toThrow(
      `${path}, line 1 has 2 tokens and would be padded to 3, but the model has no attention_mask`,
    );
    const batches = await batchesOf(path, [input('tokens')], 2);
    expect(batches.map(({ inputs }) => inputs.tokens)).toEqual([
      int64([
        [1, 2],
        [3, 4],
      ]),
      int64([[5, 6, 7]]),
    ]);
  });

  const good = { input_ids: [1, 2], attention_mask: [1, 1] };
  it.each([
    [{ input_ids: [1, 2], attention_mask: [1] }, "'attention_mask' has 1 numbers, 'input_ids' has 2"],
    [{ input_ids: [1, 2] }, "there is nothing for input 'attention_mask'; there are input_ids"],
    [
      { ...good, token_type_ids: [0, 0] },
      "the model has no input 'token_type_ids'; it has input_ids: int64[s0, s1], ",
    ],
    [{ ...good, input_ids: [1, 2.5] }, "'input_ids' holds 2.5, which is not a number of int64"],
    [{ ...good, input_ids: [1, null] }, "'input_ids' holds null, which is not a number of int64"],
    [{ ...good, input_ids: [[1], [2]] }, "'input_ids' holds [1], which is not a number of int64"],
    [{ ...good, input_ids: [] }, "'input_ids' must be a list of numbers, not an empty one"],
    [{ ...good, input_ids: 'ab' }, "'input_ids' must be a list of numbers"],
    [{ ...good, label: 'cat' }, '\'label\' must be the number of the class, got "cat"'],
    [{ ...good, label: 1 }, 'there is a label, unlike in the lines before'],
    ['[1, 2]', 'must be an object such as {"input_ids": [101, 102]'],
    ['{"input_ids": [1', 'is not JSON: '],
  ])('line %j is refused before the first batch is read', async (line, message) => {
    const path = await fileOf(good, '', line);
    const opening = readDataset(path, { model: modelOf(...encoder()), batch: 1 });
    await expect(opening).rejects.toThrow(message);
    await expect(opening).rejects.toThrow(`${path}, line 3`);
  });

  it('beyond what the model accepts are refused', async () => {
    const path = await fileOf(...lines);
    await expect(readDataset(path, { model: modelOf(...encoder(2)) })).rejects.toThrow(
      `${path}, line 4 has 3 tokens; the model's inputs have a length of 2`,
    );
    const model = withRanges({ s1: { min: 1, max: 2 } }, ...encoder());
    await expect(readDataset(path, { model, batch: 2 })).rejects.toThrow(
      `${path}, the batch of lines 4 to 4: input 'input_ids' must be int64[s0, s1] with s1 (dimension 1) at most 2`,
    );
    const bytes = [input('input_ids', 3, 'uint8')];
    await expect(readDataset(await fileOf({ a: [1, 256, 3] }), { model: modelOf(...bytes) })).rejects.toThrow(
      "'a' holds 256, which is not a number of uint8",
    );
  });

  it('are for inputs of lists, and are not preprocessed', async () => {
    const path = await fileOf(good);
    const image: TensorInfo = { name: 'x', dtype: 'float32', shape: [symbolic('s0'), 3, 8, 8] };
    await expect(readDataset(path, { model: modelOf(image) })).rejects.toThrow(
      "lists of token ids are for inputs [n, length]; input 'x' is float32[s0, 3, 8, 8]",
    );
    const model = modelOf(...encoder());
    await expect(readDataset(path, { model, preprocessing: { scale: 2 } })).rejects.toThrow(
      'preprocessing.scale does not apply: token ids are not preprocessed',
    );
    // What a model's file remembers of float arrays changes nothing.
    const nothing = { scale: 1, mean: [0, 0], std: [1] };
    expect(await readDataset(path, { model, preprocessing: nothing })).toMatchObject({ size: 1 });
  });
});
