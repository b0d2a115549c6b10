import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  compile,
  FusedMovingAvgObsFakeQuantize,
  lower,
  moveExportedModelToEval,
  Tensor,
} from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import {
  CosineAnnealingLR,
  DataLoader,
  type DataLoaderOptions,
  loadCheckpoint,
  SGD,
  Trainer,
  type TrainingBatch,
  type TrainOptions,
  type TrainStepEvent,
  train,
} from '../../lib/training/index.ts';
import { uniform } from '../support/graph-builder.ts';
import { bitsOf, captured, loss, prepared, targets } from '../support/training.ts';

const F = nn.functional;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-train-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** 18 images, three batches an epoch. */
const source = {
  inputs: { x: uniform([18, 3, 8, 8], -1, 1, 7) },
  targets: {
    labels: Tensor.from(
      'int64',
      Array.from({ length: 18 }, (_, i) => (i * i) % 3),
    ),
  },
};

function run(options: Partial<DataLoaderOptions> = {}) {
  const optimizer = new SGD({ lr: 0.1, momentum: 0.9 });
  const trainer = new Trainer(prepared(1), { loss, targets, optimizer, threads: 1 });
  const schedule = new CosineAnnealingLR(optimizer, { tMax: 9 });
  const loader = new DataLoader(source, { batchSize: 6, shuffle: true, ...options });
  return { trainer, schedule, loader };
}

type Run = ReturnType<typeof run>;

/** All that train tells, and what it then throws. */
async function eventsOf({ trainer, loader, schedule }: Run, options: Partial<TrainOptions<number>> = {}) {
  const events = [];
  for await (const event of train(trainer, loader, { epochs: 3, schedule, ...options })) events.push(event);
  return events;
}

const stateOf = ({ trainer, schedule, loader }: Run) => ({
  trainer: bitsOf(trainer.stateDict()),
  schedule: schedule.stateDict(),
  loader: loader.stateDict(),
});

describe('train', () => {
  it('takes the steps of a loop of one’s own, and tells what happens', async () => {
    const [own, other] = [run(), run()];
    const expected: Partial<TrainStepEvent>[] = [];
    while (own.loader.epoch < 3)
      for await (const { inputs, targets: wanted } of own.loader) {
        const { lr } = own.trainer.optimizer;
        const { loss: value, outputs } = await own.trainer.step(inputs, wanted);
        const logits = outputs[0].toArray();
        const right = wanted.labels.toArray().filter((label, i) => {
          const scores = logits.slice(3 * i, 3 * i + 3);
          return scores.indexOf(Math.max(...scores)) === label;
        });
        const { steps: step } = own.trainer;
        expected.push({ epoch: own.loader.epoch, step, lr, loss: value, accuracy: right.length / 6 });
        own.schedule.step();
      }
    const events = await eventsOf(other, { evaluate: async (epoch) => 10 * epoch });
    const steps = events.filter((event) => event.kind === 'step');
    expect(steps).toMatchObject(expected);
    for (const { examplesPerSecond } of steps) expect(examplesPerSecond).toBeGreaterThan(0);
    expect(stateOf(other)).toEqual(stateOf(own));
    const epochs = events.filter((event) => event.kind === 'epoch');
    const mean = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length;
    expect(epochs.length).toBe(3);
    epochs.forEach((event, i) => {
      const its = expected.slice(3 * i, 3 * i + 3);
      expect(event).toMatchObject({ epoch: i, step: 3 * i + 3, evaluation: 10 * i });
      expect(event.loss).toBeCloseTo(mean(its.map(({ loss: value }) => value!)), 12);
      expect(event.accuracy).toBeCloseTo(mean(its.map(({ accuracy }) => accuracy!)), 12);
    });
    expect(events.map(({ kind }) => kind).join()).toBe(Array(3).fill('step,step,step,epoch').join());
  });

  it('freezes statistics and ranges after the epochs it is told, also in a run that was resumed', async () => {
    const path = join(folder, 'frozen');
    const one = run();
    const statistics = () => one.trainer.model.attribute('bn.running_mean').toArray().join();
    const fakes = () =>
      [...one.trainer.model.modules.values()]
        .filter((module) => module instanceof FusedMovingAvgObsFakeQuantize)
        .map(({ state }) => state.get('max_val')!.toArray().join())
        .join(';');
    const seen: [string, string][] = [];
    const options = { freezeBatchNormAfter: 1, freezeObserversAfter: 2, checkpoint: path };
    for await (const event of train(one.trainer, one.loader, { epochs: 3, ...options }))
      if (event.kind === 'epoch') seen.push([statistics(), fakes()]);
    expect(seen[1][0]).toBe(seen[0][0]);
    expect(seen[1][1]).not.toBe(seen[0][1]);
    // A weight's range moves with it where it is observed; here it is not any more.
    expect(seen[2]).toEqual(seen[1]);
    const again = run();
    await loadCheckpoint(path, { trainer: again.trainer, loader: again.loader });
    const before = again.trainer.model.attribute('bn.running_mean').toArray();
    for await (const _ of train(again.trainer, again.loader, { epochs: 4, ...options }));
    expect(again.trainer.steps).toBe(12);
    expect(again.trainer.model.attribute('bn.running_mean').toArray()).toEqual(before);
  });

  it('learns from a teacher that sees the batch as it was augmented', async () => {
    using float = compile(lower(moveExportedModelToEval(captured(4))).module);
    const optimizer = new SGD({ lr: 0.05 });
    const trainer = new Trainer(prepared(1), {
      loss: ([logits], { teacher }) => F.distillationLoss(logits, teacher, 2),
      targets: { teacher: { dtype: 'float32', shape: [6, 3] } },
      optimizer,
      threads: 1,
    });
    const shifted = {
      x: [
        (each: Tensor) =>
          Tensor.from(
            'float32',
            each.toArray().map((v) => v + 0.5),
            each.shape,
          ),
      ],
    };
    const loader = new DataLoader({ ...source, targets: {} }, { batchSize: 6, transforms: shifted });
    const seen: number[] = [];
    const teacher = async ({ x }: TrainingBatch['inputs']) => {
      seen.push(x.toArray()[0] as number);
      const [logits] = Object.values(await float.run({ x }));
      return { teacher: logits };
    };
    const losses: number[] = [];
    for await (const event of train(trainer, loader, { epochs: 40, teacher }))
      if (event.kind === 'epoch') losses.push(event.loss!);
      else expect(event.accuracy).toBeUndefined();
    expect(seen[0]).toBeCloseTo((source.inputs.x.toArray()[0] as number) + 0.5, 6);
    expect(losses.at(-1)).toBeLessThan(losses[0] / 2);
  });
});

describe('a run that ends early', () => {
  it.each([1, 3, 5])(
    'by its signal after step %i leaves a checkpoint, and goes on with the same bits',
    async (last) => {
      const path = join(folder, `aborted-${last}`);
      const [whole, first, second] = [run(), run(), run()];
      await eventsOf(whole);
      const controller = new AbortController();
      const { signal } = controller;
      const aborted = async () => {
        const { trainer, schedule, loader } = first;
        for await (const { step } of train(trainer, loader, {
          epochs: 3,
          schedule,
          checkpoint: path,
          signal,
        }))
          if (step === last) controller.abort();
      };
      await expect(aborted()).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
      expect(first.trainer.steps).toBe(last);
      await loadCheckpoint(path, second);
      await eventsOf(second);
      expect(stateOf(second)).toEqual(stateOf(whole));
      // Without the file, too.
      await eventsOf(first);
      expect(stateOf(first)).toEqual(stateOf(whole));
    },
  );

  it('while it evaluates, evaluates again when it goes on', async () => {
    const path = join(folder, 'evaluating');
    const [first, second] = [run(), run()];
    const controller = new AbortController();
    const evaluate = () => {
      controller.abort();
      return new Promise<number>(() => {});
    };
    await expect(
      eventsOf(first, { epochs: 1, evaluate, checkpoint: path, signal: controller.signal }),
    ).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
    await loadCheckpoint(path, second);
    const events = await eventsOf(second, { epochs: 1, evaluate: () => 7 });
    expect(events).toEqual([{ kind: 'epoch', epoch: 0, step: 3, evaluation: 7 }]);
  });

  it('while it waits for examples that do not come', async () => {
    const stuck = {
      async *[Symbol.asyncIterator]() {
        for (let i = 0; i < 6; i++)
          yield {
            inputs: { x: uniform([3, 8, 8], -1, 1, i) },
            targets: { labels: Tensor.scalar('int64', i % 3) },
          };
        await new Promise(() => {});
      },
    };
    const { trainer } = run();
    const loader = new DataLoader(stuck, { batchSize: 6 });
    const signal = AbortSignal.timeout(300);
    const waiting = async () => {
      for await (const _ of train(trainer, loader, { epochs: 1, signal }));
    };
    await expect(waiting()).rejects.toThrow(expect.objectContaining({ name: 'TimeoutError' }));
    expect(trainer.steps).toBe(1);
  });

  it('by an Error gives out again what was not trained, and keeps the checkpoint before', async () => {
    const path = join(folder, 'failed');
    const one = run();
    let calls = 0;
    const teacher = () => {
      if (++calls === 5) throw new Error('no teacher today');
      return {};
    };
    await expect(eventsOf(one, { teacher, checkpoint: path })).rejects.toThrow('no teacher today');
    expect(one.trainer.steps).toBe(4);
    expect(one.loader.stateDict()).toMatchObject({ epoch: 1, position: 1 });
    const other = run();
    await loadCheckpoint(path, other);
    expect(other.trainer.steps).toBe(3);
    await eventsOf(one);
    await eventsOf(other);
    expect(stateOf(one)).toEqual(stateOf(other));
  });

  it('has a checkpoint of the last of so many steps', async () => {
    const path = join(folder, 'every');
    const one = run();
    for await (const { step } of train(one.trainer, one.loader, {
      epochs: 3,
      checkpoint: path,
      checkpointEvery: 2,
    }))
      if (step === 5) break;
    const other = run();
    await loadCheckpoint(path, { trainer: other.trainer, loader: other.loader });
    expect([other.trainer.steps, other.loader.epoch, other.loader.position]).toEqual([4, 1, 1]);
  });
});

it.each<[string, object, string]>([
  ['no epochs', { epochs: 0 }, 'epochs must be a whole number above 0, got 0'],
  ['an unknown option', { epoch: 3 }, 'did you mean "epochs"?'],
  ['a negative epoch', { freezeObserversAfter: -1 }, 'freezeObserversAfter must be a whole number of epochs'],
  ['half a step', { checkpoint: 'x', checkpointEvery: 0.5 }, 'checkpointEvery must be a whole number'],
  ['no path', { checkpointEvery: 5 }, 'checkpointEvery needs a checkpoint'],
  ['a number for a path', { checkpoint: 3 }, 'checkpoint must be a path, got 3'],
  ['no schedule', { schedule: 3 }, 'schedule must be a schedule'],
  ['an empty path', { checkpoint: '' }, "checkpoint must be a path, got ''"],
  ['a number for a teacher', { teacher: 3 }, 'teacher must be a function, got 3'],
  ['a number for an evaluation', { evaluate: 3 }, 'evaluate must be a function, got 3'],
  ['no signal', { signal: {} }, 'signal must be an AbortSignal'],
  [
    'another schedule',
    { schedule: new CosineAnnealingLR(new SGD({ lr: 1 }), { tMax: 1 }) },
    'not one of the',
  ],
])('train refuses %s before the first step', async (_, options, message) => {
  const one = run();
  await expect(eventsOf(one, options)).rejects.toThrow(message);
  expect(one.trainer.steps).toBe(0);
});

it('train refuses to freeze ranges of a model without any before the first step', async () => {
  const trainer = new Trainer(captured(1), { loss, targets, optimizer: new SGD({ lr: 0.1 }), threads: 1 });
  const loader = new DataLoader(source, { batchSize: 6 });
  const training = async () => {
    for await (const _ of train(trainer, loader, { epochs: 3, freezeObserversAfter: 2 }));
  };
  await expect(training()).rejects.toThrow('freezeObserversAfter: the model has no fake quantizers');
  expect(trainer.steps).toBe(0);
});
