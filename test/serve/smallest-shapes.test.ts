import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Dim, SymInt } from '../../lib/graph/index.ts';
import { compile } from '../../lib/runtime/index.ts';
import { ModelRepository } from '../../lib/serve/index.ts';
import { smallestShapes } from '../../lib/serve/models/smallest-shapes.ts';
import { uniform } from '../support/graph-builder.ts';
import { integerNetwork } from '../support/models.ts';

const s0 = new SymInt(['s0']);
const s1 = new SymInt(['s1']);

/** As of a model with inputs of these shapes. */
const of = (shapes: Record<string, readonly Dim[]>, min = 1) =>
  smallestShapes({
    inputs: Object.entries(shapes).map(([name, shape]) => ({ name, dtype: 'float32', shape })),
    rangeConstraints: new Map([['s0', { min, max: 64 }]]),
  });

it('has one sample, or the fewest that a model takes', () => {
  expect(of({ x: [s0, 3, 8], mask: [s0], scale: [] })).toEqual({ x: [1, 3, 8], mask: [1], scale: [] });
  expect(of({ x: [s0, 3], y: [4, 4] }, 2)).toEqual({ x: [1, 3], y: [4, 4] });
  expect(of({ x: [s0, 3] }, 5)).toEqual({ x: [5, 3] });
  expect(of({ x: [2, 3] })).toEqual({ x: [2, 3] });
});

it.each<[string, Record<string, readonly Dim[]>]>([
  ['another extent', { x: [s0, s1] }],
  ['only another extent', { x: [4, s1] }],
  ['the batch elsewhere', { x: [s0, 3, s0] }],
  ['two batches', { x: [s0, 3], y: [s1, 3] }],
  ['a batch that is computed', { x: [s0, 3], y: [new SymInt(['s0'], 2), 3] }],
  ['nothing but a batch that is computed', { x: [new SymInt(['s0'], 2), 3] }],
])('has none where requests choose %s', (_, shapes) => {
  expect(of(shapes)).toBeUndefined();
});

it('has its plans for batches when it is loaded', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'octavo-serve-'));
  try {
    using model = compile(integerNetwork(2));
    await model.save(join(folder, 'network.octavo'));
    const batching = { maxBatchSize: 4, maxQueueDelay: 1000 };
    const options = { streams: 1, threadsPerStream: 1, batching };
    await using repository = await ModelRepository.open(folder, options);
    const served = repository.model('network').model;
    const images = [1, 2, 3, 4].map((seed) => uniform([1, 16, 64, 64], -1, 1, seed));
    // Without a plan for four, the first requests would be computed one by one.
    await Promise.all(images.map((image) => served.run(image)));
    expect([...served.batches]).toEqual([[4, 1]]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
