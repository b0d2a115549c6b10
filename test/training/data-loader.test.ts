import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Tensor } from '../../lib/index.ts';
import {
  DataLoader,
  type DataLoaderOptions,
  type TrainingBatch,
  transforms,
} from '../../lib/training/index.ts';
import { uniform } from '../support/graph-builder.ts';
import { epochOf, numbersOf, twelve } from '../support/loading.ts';

const loaderOf = (options: Partial<DataLoaderOptions> = {}) =>
  new DataLoader(twelve, { batchSize: 5, ...options });

describe('batches', () => {
  it('hold all examples in order, the last as many as are left', async () => {
    const loader = loaderOf();
    expect([loader.length, loader.size]).toEqual([3, 12]);
    const batches = await epochOf(loader);
    expect(numbersOf(batches)).toEqual([
      [0, 1, 2, 3, 4],
      [5, 6, 7, 8, 9],
      [10, 11],
    ]);
    expect(batches[2].inputs.x).toEqual(Tensor.from('float32', [10, 10.5, 11, 11.5], [2, 2]));
    expect([loader.epoch, loader.position]).toEqual([1, 0]);
  });

  it('are all full where the last is dropped', async () => {
    const loader = loaderOf({ dropLast: true });
    expect(loader.length).toBe(2);
    expect(numbersOf(await epochOf(loader)).map(({ length }) => length)).toEqual([5, 5]);
  });

  interface Order {
    readonly size: number;
    readonly seed: number;
    readonly epoch: number;
    readonly order: number[];
  }
  // Written by script/goldens/image_transforms.py.
  const fixture = new URL('../fixtures/training/sampler_orders.json', import.meta.url);
  const orders: Order[] = JSON.parse(readFileSync(fixture, 'utf8'));

  it.each(orders.map((each) => [each.size, each.seed, each.epoch, each.order] as const))(
    "are shuffled as by PyTorch's sampler: %i examples, seed %i, epoch %i",
    async (size, seed, epoch, order) => {
      const labels = Tensor.from(
        'int32',
        Array.from({ length: size }, (_, i) => i),
      );
      const source = { inputs: { labels }, targets: { labels } };
      const loader = new DataLoader(source, { batchSize: 64, shuffle: true, seed });
      for (let before = 0; before < epoch; before++) await epochOf(loader);
      expect(numbersOf(await epochOf(loader)).flat()).toEqual(order);
    },
  );
});

describe('where a loader stands', () => {
  const image = { inputs: { image: uniform([9, 3, 6, 6], 0, 1, 2) }, targets: twelve.targets };
  const augmented = (seed = 4) =>
    new DataLoader(
      { ...image, targets: { labels: Tensor.from('int64', [0, 1, 2, 3, 4, 5, 6, 7, 8]) } },
      {
        batchSize: 2,
        shuffle: true,
        seed,
        transforms: {
          image: [
            transforms.randomCrop(6, { padding: 2 }),
            transforms.randomHorizontalFlip(),
            transforms.randomAffine({ degrees: 20, scale: [0.8, 1.2] }),
            transforms.colorJitter({ brightness: 0.3, contrast: 0.3 }),
          ],
        },
        batchTransform: ({ inputs, targets }, random) => ({
          inputs: { image: inputs.image, noise: Tensor.scalar('float32', random.uniform(0, 1)) },
          targets,
        }),
      },
    );

  it.each([0, 1, 3, 5, 6, 7])(
    'can be kept after %i batches, and the same follow, bit for bit',
    async (taken) => {
      const whole = augmented();
      const all = [...(await epochOf(whole)), ...(await epochOf(whole)), ...(await epochOf(whole))];
      const first = augmented();
      const before: TrainingBatch[] = [];
      while (before.length < taken)
        for await (const batch of first) {
          before.push(batch);
          if (before.length === taken) break;
        }
      const resumed = augmented();
      resumed.loadStateDict(JSON.parse(JSON.stringify(first.stateDict())));
      const after: TrainingBatch[] = [];
      while (resumed.epoch < 3) after.push(...(await epochOf(resumed)));
      expect([...before, ...after]).toEqual(all);
    },
  );

  it('decides random numbers by seed, epoch and example, not by the batch', async () => {
    const images = async (loader: DataLoader) => {
      const batches = await epochOf(loader);
      const rows = batches.flatMap(({ inputs, targets }) =>
        (targets.labels.toArray() as number[]).map((label, i) => {
          const { data, numel, shape } = inputs.image;
          const row = numel / shape[0];
          return [label, (data as Float32Array).slice(i * row, (i + 1) * row).join()] as const;
        }),
      );
      return new Map(rows);
    };
    const loader = augmented();
    const [first, second] = [await images(loader), await images(loader)];
    const other = await images(augmented(5));
    expect(await images(augmented())).toEqual(first);
    for (const [label, pixels] of first) {
      expect(second.get(label)).not.toEqual(pixels);
      expect(other.get(label)).not.toEqual(pixels);
    }
  });

  it('is not that of another loader', () => {
    const state = loaderOf().stateDict();
    const refusing = (options: Partial<DataLoaderOptions>) => () => loaderOf(options).loadStateDict(state);
    expect(refusing({ batchSize: 4 })).toThrow('with batchSize 5; this one has 4');
    expect(refusing({ seed: 4 })).toThrow('with seed 0; this one has 4');
    expect(refusing({ shuffle: true })).toThrow('with shuffle false; this one has true');
    expect(() => augmented().loadStateDict(state)).toThrow('with size 12; this one has 9');
    const loader = loaderOf();
    expect(() => loader.loadStateDict({ ...state, position: 4 })).toThrow("past the epoch's 3 batches");
    expect(() => loader.loadStateDict({ ...state, epoch: -1 })).toThrow('epoch must be a whole number');
    for (const none of [null, undefined, 3])
      expect(() => loader.loadStateDict(none as never)).toThrow(`what stateDict() gave, got ${none}`);
  });

  it('goes on where an iteration was left, and that iteration has ended', async () => {
    const loader = loaderOf();
    const left = loader[Symbol.asyncIterator]();
    await left.next();
    expect(numbersOf(await epochOf(loader))).toEqual([
      [5, 6, 7, 8, 9],
      [10, 11],
    ]);
    await expect(left.next()).rejects.toThrow('another iteration has begun');
  });
});

describe('a loader refuses', () => {
  const x = Tensor.zeros('float32', [3, 2]);
  const of = (inputs: unknown, targets: unknown = {}) =>
    new DataLoader({ inputs, targets } as never, { batchSize: 1 });

  it.each<[string, () => unknown, string]>([
    ['a batch of none', () => loaderOf({ batchSize: 0 }), 'batchSize must be a whole number above 0, got 0'],
    ['an unknown option', () => loaderOf({ suffle: true } as never), 'did you mean "shuffle"?'],
    ['a word for true', () => loaderOf({ shuffle: 'false' as never }), '"shuffle" must be true or false'],
    ['a negative seed', () => loaderOf({ seed: -1 }), 'seed must be a whole number, 0 or more, got -1'],
    ['no full batch', () => loaderOf({ batchSize: 13, dropLast: true }), '12 examples make no batch of 13'],
    ['a transform that is none', () => loaderOf({ transforms: { x: [1] as never } }), 'a list of functions'],
    [
      'other lengths',
      () => of({ x }, { y: Tensor.zeros('int64', [2]) }),
      "'y' has 2 examples, but 'x' has 3",
    ],
    ['nothing', () => of({}), 'there are no inputs'],
    ['targets alone', () => of({}, { y: x }), 'there are no inputs'],
    ['nothing in it', () => of({ x: Tensor.zeros('float32', [0, 2]) }), "'x' is empty"],
    ['a scalar', () => of({ x: Tensor.scalar('float32', 1) }), "'x' is a scalar"],
    [
      'what is no tensor',
      () => of({ x: new Float32Array(3) }),
      'inputs.x must be a Tensor, got [object Float32Array]',
    ],
    [
      'no source',
      () => new DataLoader(undefined as never, { batchSize: 1 }),
      'expected a dataset, an async iterable of examples',
    ],
    [
      'no targets',
      () => new DataLoader({ inputs: { x } } as never, { batchSize: 1 }),
      'targets must be tensors by name, got undefined',
    ],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(message);
  });

  it('what transforms give back, when they are run', async () => {
    await expect(epochOf(loaderOf({ transforms: { z: [] } }))).rejects.toThrow(
      "transforms names 'z', but the inputs are x",
    );
    const nothing = loaderOf({ transforms: { x: [() => undefined as never] } });
    await expect(epochOf(nothing)).rejects.toThrow("a transform of 'x' must return a Tensor, got undefined");
    const { inputs } = twelve;
    for (const [result, message] of [
      [undefined, 'expected { inputs, targets } with tensors by name, got undefined'],
      [{ inputs }, 'targets must be tensors by name, got undefined'],
      [{ inputs: { x: 4 }, targets: {} }, 'inputs.x must be a Tensor, got [object Number]'],
    ] as const) {
      const batchTransform = () => Promise.resolve(result as never);
      await expect(epochOf(loaderOf({ batchTransform }))).rejects.toThrow(
        `DataLoader: batchTransform's result: ${message}`,
      );
    }
    const failing = loaderOf({
      batchTransform: () => {
        throw new Error('no');
      },
    });
    await expect(epochOf(failing)).rejects.toThrow('no');
    // Made ahead, while nobody waits for it: the Error comes when it is asked for.
    const later = loaderOf({
      transforms: {
        x: [
          (each) => {
            if (each.data[0] === 5) throw new Error('the sixth');
            return each;
          },
        ],
      },
    });
    const iterator = later[Symbol.asyncIterator]();
    expect((await iterator.next()).done).toBe(false);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await expect(iterator.next()).rejects.toThrow('the sixth');
  });
});
