import { describe, expect, it } from 'vitest';
import { addon } from '../../lib/native/addon.ts';
import type { PlanDesc } from '../../lib/native/addon-types.ts';
import { divideBatch, undivided } from '../../lib/plan/index.ts';
import type { DType } from '../../lib/tensor/index.ts';

const MiB = 2 ** 20;

/** The plan of one sample: a few linear layers of bytes, each from `features` to `features` in so many rows. */
function layers(count: number, rows: number, features: number): PlanDesc {
  const weight = addon.createConstant('int8', [features, features], new Int8Array(features ** 2));
  const image = { dtype: 'uint8' as DType, shape: [1, rows, features] };
  const values: PlanDesc['values'][number][] = [{ ...image, storage: { kind: 'input', index: 0 } }];
  const steps: PlanDesc['steps'][number][] = [];
  for (let i = 0; i < count; i++) {
    const from = values.length - 1;
    const to = from + 2;
    values.push({
      dtype: 'int8',
      shape: [features, features],
      storage: { kind: 'constant', constant: weight },
    });
    values.push({ ...image, storage: { kind: 'arena', offset: 0 } });
    steps.push({ op: 'linear', node: `layer${i}`, attributes: {}, inputs: [from, from + 1], outputs: [to] });
  }
  return {
    inputs: [image],
    outputs: [image],
    values,
    steps,
    arenaBytes: rows * features,
    threads: 1,
    lanes: 1,
  };
}

describe('a batch is divided', () => {
  // Each step moves 4 MiB a sample, and its weights are 1 KiB.
  const images = layers(8, (2 * MiB) / 32, 32);
  // 4 KiB a sample, and a weight of 4 MiB in each of 8 steps.
  const vectors = layers(8, 1, 2048);

  it('into single samples where these fill the cache', () => {
    expect(divideBatch(images, 16, 1)).toEqual({ parts: 16, lanes: 1 });
    expect(divideBatch(images, 16, 2)).toEqual({ parts: 16, lanes: 2 });
  });

  it('not where weights are what is read', () => {
    for (const threads of [1, 2, 4, 16])
      for (const batch of [2, 4, 16, 64]) expect(divideBatch(vectors, batch, threads)).toEqual(undivided);
  });

  it('into one part a thread where weights are read, and products take longer', () => {
    // 8 MiB of weights, and a hundred times the products of one row.
    expect(divideBatch(layers(8, 100, 1024), 32, 2)).toEqual({ parts: 2, lanes: 2 });
  });

  it('not where the last part would leave threads idle', () => {
    // Each step moves 1 MiB a sample: some fit the cache together.
    const small = layers(8, MiB / 64, 32);
    expect(divideBatch(small, 3, 2)).toEqual(undivided);
    expect(divideBatch(small, 17, 16)).toEqual(undivided);
    // 15 on 2 threads: 8 turns of one, where 7.5 are what it takes.
    expect(divideBatch(small, 15, 2)).toEqual({ parts: 15, lanes: 2 });
  });

  it('among no more threads than there are parts', () => {
    for (const threads of [1, 2, 3, 8, 64])
      for (let batch = 1; batch <= 70; batch++) {
        const { parts, lanes } = divideBatch(images, batch, threads);
        expect(batch % parts).toBe(0);
        expect(lanes).toBeGreaterThanOrEqual(1);
        expect(lanes).toBeLessThanOrEqual(Math.min(threads, parts));
      }
  });

  it('in no time, however large it is', () => {
    expect(divideBatch(images, 2 ** 40, 2).parts).toBe(2 ** 40);
    expect(divideBatch(images, 2 ** 31 - 1, 1).parts).toBe(2 ** 31 - 1);
  });

  it('not where a request is over before threads have met', () => {
    expect(divideBatch(layers(4, 1, 32), 4, 2)).toEqual(undivided);
  });
});
