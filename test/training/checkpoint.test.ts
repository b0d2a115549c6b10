import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  compile,
  enableRangeLearning,
  exportModel,
  lower,
  moveExportedModelToEval,
  Tensor,
} from '../../lib/index.ts';
import {
  AdamW,
  CosineAnnealingLR,
  DataLoader,
  loadCheckpoint,
  type Optimizer,
  SGD,
  StepLR,
  saveCheckpoint,
  Trainer,
  train,
  transforms,
} from '../../lib/training/index.ts';
import { countingTrainer, one } from '../support/counting-trainer.ts';
import { uniform } from '../support/graph-builder.ts';
import { bitsOf, labels, loss, Perceptron, prepared, targets, trainerOf, x } from '../support/training.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-checkpoint-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** 21 images, three batches of 6 an epoch. */
const source = {
  inputs: { x: uniform([21, 3, 8, 8], -1, 1, 7) },
  targets: {
    labels: Tensor.from(
      'int64',
      Array.from({ length: 21 }, (_, i) => (i * i) % 3),
    ),
  },
};

/** A run with every kind of state: dropout, momenta, running statistics, ranges, a schedule and augmentation. */
function run(optimizer: Optimizer, seed: number, model = prepared(seed)) {
  const trainer = new Trainer(model, { loss, targets, optimizer, threads: 1, seed: 11 });
  const schedule = new CosineAnnealingLR(optimizer, { tMax: 10 });
  const loader = new DataLoader(source, {
    batchSize: 6,
    shuffle: true,
    dropLast: true,
    transforms: { x: [transforms.randomCrop(8, { padding: 1 }), transforms.randomHorizontalFlip()] },
  });
  return { trainer, schedule, loader };
}

async function steps(
  { trainer, schedule, loader }: ReturnType<typeof run>,
  until: number,
): Promise<number[]> {
  const losses: number[] = [];
  while (trainer.steps < until)
    for await (const { inputs, targets: wanted } of loader) {
      losses.push((await trainer.step(inputs, wanted)).loss);
      schedule.step();
      if (trainer.steps === until) break;
    }
  return losses;
}

describe('a checkpoint', () => {
  it.each<[string, () => Optimizer]>([
    ['SGD with momentum', () => new SGD({ lr: 0.1, momentum: 0.9, weightDecay: 1e-3 })],
    ['AdamW', () => new AdamW({ lr: 0.01 })],
  ])('goes on with the same bits: %s', async (name, optimizer) => {
    const path = join(folder, `${name}.safetensors`);
    const [whole, first, second] = [run(optimizer(), 1), run(optimizer(), 1), run(optimizer(), 2)];
    const losses = await steps(whole, 10);
    // Five steps are an epoch and two batches.
    expect(await steps(first, 5)).toEqual(losses.slice(0, 5));
    await saveCheckpoint(path, first);
    await loadCheckpoint(path, second);
    expect(second.loader.stateDict()).toMatchObject({ epoch: 1, position: 2 });
    expect(second.trainer.optimizer.lr).toBe(first.trainer.optimizer.lr);
    expect(await steps(second, 10)).toEqual(losses.slice(5));
    expect(bitsOf(second.trainer.stateDict())).toEqual(bitsOf(whole.trainer.stateDict()));
    expect(second.loader.stateDict()).toEqual(whole.loader.stateDict());
    expect(second.schedule.stateDict()).toEqual(whole.schedule.stateDict());
    for (const { trainer } of [whole, first, second]) trainer[Symbol.dispose]();
  });

  it('goes on with scales that are learned', async () => {
    const path = join(folder, 'learned');
    const learning = (seed: number) => {
      const model = enableRangeLearning(prepared(seed, { learnScales: true, weightBits: 4 }));
      return run(new SGD({ lr: 0.1, momentum: 0.9 }), seed, model);
    };
    const [whole, first, second] = [learning(1), learning(1), learning(2)];
    await steps(whole, 10);
    await steps(first, 5);
    await saveCheckpoint(path, first);
    await loadCheckpoint(path, second);
    await steps(second, 10);
    const bits = bitsOf(second.trainer.stateDict());
    expect(bits).toEqual(bitsOf(whole.trainer.stateDict()));
    const momenta = [...bits.keys()].filter((name) => name.endsWith('.scale.momentum_buffer'));
    expect(momenta.length).toBeGreaterThan(3);
  });

  it('keeps a rate that was set by hand', async () => {
    const path = join(folder, 'rate');
    const [{ trainer }, other] = [trainerOf(new SGD({ lr: 0.1 })), trainerOf(new SGD({ lr: 0.1 }))];
    trainer.optimizer.lr = 0.025;
    await saveCheckpoint(path, { trainer });
    await loadCheckpoint(path, { trainer: other.trainer });
    expect(other.trainer.optimizer.lr).toBe(0.025);
  });

  it('is refused where it does not fit, with what differs, and nothing is changed', async () => {
    const path = join(folder, 'other');
    const sgd = new SGD({ lr: 0.1, momentum: 0.9 });
    const { trainer } = trainerOf(sgd);
    const loader = new DataLoader(source, { batchSize: 6 });
    await saveCheckpoint(path, { trainer, schedule: new CosineAnnealingLR(sgd, { tMax: 4 }), loader });
    const small = run(new SGD({ lr: 0.1 }), 1);
    await expect(loadCheckpoint(path, { trainer: small.trainer })).rejects.toThrow(
      /other does not fit: .*missing: .*model\.conv\.weight.*not known: model\.first\./s,
    );
    const plain = trainerOf(new SGD({ lr: 0.1 }));
    await expect(loadCheckpoint(path, { trainer: plain.trainer })).rejects.toThrow(
      /not known: .*optimizer\.first\.weight\.momentum_buffer/,
    );
    // The trainer would fit; what comes before it does not.
    const same = trainerOf(new SGD({ lr: 0.3, momentum: 0.9 }));
    const before = bitsOf(same.trainer.stateDict());
    const schedule = new StepLR(same.trainer.optimizer, { stepSize: 2 });
    await expect(loadCheckpoint(path, { trainer: same.trainer, schedule })).rejects.toThrow(
      'the state is that of a CosineAnnealingLR',
    );
    const own = new DataLoader(source, { batchSize: 5 });
    for await (const _ of own) break;
    await expect(loadCheckpoint(path, { trainer: same.trainer, loader: own })).rejects.toThrow('batchSize 6');
    // The loader would fit; the trainer does not.
    const moved = new DataLoader(source, { batchSize: 6 });
    for await (const _ of moved) break;
    await expect(loadCheckpoint(path, { trainer: plain.trainer, loader: moved })).rejects.toThrow(
      'not known',
    );
    expect(moved.position).toBe(1);
    expect(bitsOf(same.trainer.stateDict())).toEqual(before);
    const bare = join(folder, 'bare');
    await saveCheckpoint(bare, { trainer });
    await expect(loadCheckpoint(bare, { trainer, loader })).rejects.toThrow('it was saved without a loader');
  });

  it('is refused where it is cut off, missing, or something else', async () => {
    const path = join(folder, 'whole');
    const { trainer } = trainerOf(new SGD({ lr: 0.1 }));
    await saveCheckpoint(path, { trainer });
    const { length } = await readFile(path);
    for (const left of [0, 7, 100, length - 1]) {
      const cut = join(folder, `cut-${left}`);
      await writeFile(cut, await readFile(path));
      await truncate(cut, left);
      await expect(loadCheckpoint(cut, { trainer })).rejects.toThrow(
        `${cut} is not a valid safetensors file`,
      );
    }
    await expect(loadCheckpoint(join(folder, 'none'), { trainer })).rejects.toThrow('could not be opened');
    const artifact = join(folder, 'model.octavo');
    const model = compile(
      lower(moveExportedModelToEval(exportModel(new Perceptron().train(), { x }))).module,
    );
    await model.save(artifact);
    model.dispose();
    await expect(loadCheckpoint(artifact, { trainer })).rejects.toThrow(
      'model.octavo is a safetensors file, but not a checkpoint',
    );
    const missing = join(folder, 'none', 'checkpoint');
    await expect(saveCheckpoint(missing, { trainer })).rejects.toThrow('there is no folder');
  });

  it('is of a run with the same settings, of which the first that differs is named', async () => {
    const path = join(folder, 'settings');
    const { trainer } = trainerOf(new SGD({ lr: 0.1 }));
    const settings = { bits: '4', data: 'a' };
    const epoch = train(trainer, new DataLoader({ inputs: { x }, targets: { labels } }, { batchSize: 6 }), {
      ...{ epochs: 1, checkpoint: path, settings },
    });
    for await (const _ of epoch);
    await loadCheckpoint(path, { trainer, settings: { data: 'a', bits: '4' } });
    await loadCheckpoint(path, { trainer });
    const before = bitsOf(trainer.stateDict());
    const go = (others: object) => loadCheckpoint(path, { trainer, settings: { ...settings, ...others } });
    await expect(go({ bits: '3', data: 'b' })).rejects.toThrow('is of a run with bits 4; this one has 3');
    await expect(go({ more: '1' })).rejects.toThrow('is of a run with more none; this one has 1');
    await expect(loadCheckpoint(path, { trainer, settings: { bits: '4' } })).rejects.toThrow(
      'is of a run with data a; this one has none',
    );
    expect(bitsOf(trainer.stateDict())).toEqual(before);
    await saveCheckpoint(path, { trainer });
    await expect(go({})).rejects.toThrow('settings does not fit: it was saved without settings');
    for (const wrong of [{ bits: 4 }, ['4'], 'bits'])
      await expect(saveCheckpoint(path, { trainer, settings: wrong as never })).rejects.toThrow(
        'saveCheckpoint: settings must be texts by name',
      );
    const options = { epochs: 1, checkpoint: path, settings: { bits: 4 } as never };
    const loader = new DataLoader({ inputs: { x }, targets: { labels } }, { batchSize: 6 });
    await expect(train(trainer, loader, options).next()).rejects.toThrow('train: settings must be texts by');
  });

  it('is made of parts that belong together', async () => {
    const { trainer } = trainerOf(new SGD({ lr: 0.1 }));
    const path = join(folder, 'parts');
    const other = new CosineAnnealingLR(new SGD({ lr: 1 }), { tMax: 1 });
    await expect(saveCheckpoint(path, { trainer, schedule: other })).rejects.toThrow(
      "the schedule is not one of the trainer's optimizer",
    );
    await expect(saveCheckpoint(path, { trainer, sheduler: other } as never)).rejects.toThrow('"schedule"');
    for (const write of [saveCheckpoint, loadCheckpoint])
      await expect(write(3 as never, { trainer })).rejects.toThrow('heckpoint: path must be a path, got 3');
    await expect(saveCheckpoint(path, {} as never)).rejects.toThrow('trainer must be a Trainer');
    await expect(loadCheckpoint(path, { trainer, loader: [] as never })).rejects.toThrow(
      'loader must be a DataLoader',
    );
  });
});

describe('a process that is killed while it saves', () => {
  it.each([0, 3, 8, 15])('leaves a checkpoint that loads, whole: %i ms after the fifth', async (delay) => {
    const path = join(folder, `killed-${delay}`);
    const script = fileURLToPath(new URL('../support/save-checkpoints.ts', import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', script, path], {
      cwd: fileURLToPath(new URL('../../', import.meta.url)),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    for await (const text of child.stdout) {
      said += text;
      if (said.split('\n').length > 5) break;
    }
    await new Promise((resolve) => setTimeout(resolve, delay));
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    expect(await ended).toEqual([null, 'SIGKILL']);
    using trainer = countingTrainer();
    await loadCheckpoint(path, { trainer });
    expect(trainer.steps).toBeGreaterThanOrEqual(5);
    const { data } = trainer.model.attribute('count');
    expect(new Set(data as Float32Array)).toEqual(new Set([-trainer.steps]));
    await trainer.step({ x: one }, {});
    expect(trainer.model.attribute('count').data[0]).toBe(-trainer.steps);
  });
});
