import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  CosineAnnealingLR,
  LinearLR,
  type LRScheduler,
  OneCycleLR,
  SequentialLR,
  SGD,
  StepLR,
} from '../../lib/training/index.ts';

const kinds = { CosineAnnealingLR, StepLR, LinearLR, OneCycleLR };
type Kind = keyof typeof kinds;

/** One schedule's rates of PyTorch 2.6, written by script/goldens/lr_schedules.py. */
interface Case {
  readonly name: Kind | 'SequentialLR';
  readonly options?: never;
  readonly schedulers?: readonly { readonly name: Kind; readonly options: never }[];
  readonly milestones?: readonly number[];
  readonly rates: readonly number[];
}

const fixture = new URL('../fixtures/training/lr_schedules.json', import.meta.url);
const golden: { readonly lr: number; readonly cases: readonly Case[] } = JSON.parse(
  readFileSync(fixture, 'utf8'),
);

function scheduleOf({ name, options, schedulers, milestones }: Case, optimizer: SGD): LRScheduler {
  if (name !== 'SequentialLR') return new kinds[name](optimizer, options!);
  const parts = schedulers!.map((part) => new kinds[part.name](optimizer, part.options));
  return new SequentialLR(optimizer, { schedulers: parts, milestones: milestones! });
}

const cases = golden.cases.map((each) => [each.name, JSON.stringify(each.options), each] as const);

describe('a schedule', () => {
  it.each(cases)("has PyTorch's rates over a whole run: %s %s", (_, __, each) => {
    const optimizer = new SGD({ lr: golden.lr });
    const schedule = scheduleOf(each, optimizer);
    expect(each.rates.length).toBeGreaterThan(0);
    each.rates.forEach((rate, i) => {
      // PyTorch multiplies a rate with the next factor step by step, each time rounding float64.
      expect(Math.abs(optimizer.lr - rate)).toBeLessThan(1e-14 + 1e-12 * rate);
      if (i + 1 < each.rates.length) schedule.step();
    });
  });

  it.each(cases)('goes on where another one stood, with the same bits: %s %s', (_, __, each) => {
    const [first, second] = [new SGD({ lr: golden.lr }), new SGD({ lr: golden.lr })];
    const schedule = scheduleOf(each, first);
    const half = Math.floor(each.rates.length / 2);
    for (let i = 0; i < half; i++) schedule.step();
    const resumed = scheduleOf(each, second);
    resumed.loadStateDict(JSON.parse(JSON.stringify(schedule.stateDict())));
    expect(resumed.lastEpoch).toBe(half);
    for (let i = half; i < each.rates.length; i++) {
      expect(second.lr).toBe(first.lr);
      schedule.step();
      resumed.step();
    }
  });

  it('refuses the state of another one, and says what differs', () => {
    const optimizer = new SGD({ lr: 0.1 });
    const { ...state } = new CosineAnnealingLR(optimizer, { tMax: 5 }).stateDict();
    const step = new StepLR(optimizer, { stepSize: 5 });
    expect(() => step.loadStateDict(state)).toThrow('StepLR: the state is that of a CosineAnnealingLR');
    const longer = new CosineAnnealingLR(optimizer, { tMax: 6 });
    expect(() => longer.loadStateDict(state)).toThrow(
      '{"initialLr":0.1,"tMax":5,"etaMin":0}; this one has {"initialLr":0.1,"tMax":6',
    );
    const faster = new CosineAnnealingLR(new SGD({ lr: 0.2 }), { tMax: 5 });
    expect(() => faster.loadStateDict(state)).toThrow('this one has {"initialLr":0.2');
    const same = new CosineAnnealingLR(optimizer, { tMax: 5 });
    for (const none of [null, undefined, 3])
      expect(() => same.loadStateDict(none as never)).toThrow(
        `CosineAnnealingLR: the state must be what stateDict() gave, got ${none}`,
      );
    for (const lastEpoch of [-1, 0.5, '3' as never])
      expect(() => same.loadStateDict({ ...state, lastEpoch })).toThrow('lastEpoch must be a whole number');
  });

  it('ends with an Error where a cycle does, which changes nothing', () => {
    const optimizer = new SGD({ lr: 0.1 });
    const schedule = new OneCycleLR(optimizer, { maxLr: 1, totalSteps: 3 });
    for (let i = 0; i < 3; i++) schedule.step();
    const { lr } = optimizer;
    expect(lr).toBeCloseTo(1 / 25 / 1e4, 12);
    expect(() => schedule.step()).toThrow('step 4 is one more than totalSteps, 3');
    expect([optimizer.lr, schedule.lastEpoch]).toEqual([lr, 3]);
  });

  it('has a rate where a rise has no length, and PyTorch divides by zero', () => {
    const optimizer = new SGD({ lr: 0.1 });
    new OneCycleLR(optimizer, { maxLr: 2, totalSteps: 4, pctStart: 0.25 });
    expect(optimizer.lr).toBe(2);
  });

  it.each<[string, (optimizer: SGD) => unknown, string]>([
    ['no optimizer', () => new StepLR({} as never, { stepSize: 1 }), 'StepLR: expected an optimizer first'],
    ['an unknown option', (o) => new StepLR(o, { stepSize: 1, gama: 1 } as never), 'did you mean "gamma"?'],
    ['no length', (o) => new CosineAnnealingLR(o, { tMax: 0 }), 'tMax must be a whole number above 0'],
    ['a length of NaN', (o) => new StepLR(o, { stepSize: Number.NaN }), 'stepSize must be a whole number'],
    [
      'a lowest rate below 0',
      (o) => new CosineAnnealingLR(o, { tMax: 1, etaMin: -1 }),
      'etaMin must be 0 or',
    ],
    ['a factor of 0 at first', (o) => new LinearLR(o, { startFactor: 0 }), 'startFactor must be above 0'],
    ['a factor above 1', (o) => new LinearLR(o, { endFactor: 2 }), 'endFactor must be from 0 to 1'],
    [
      'an endless rate',
      (o) => new OneCycleLR(o, { maxLr: Infinity, totalSteps: 1 }),
      'maxLr must be above 0',
    ],
    [
      'a share above 1',
      (o) => new OneCycleLR(o, { maxLr: 1, totalSteps: 1, pctStart: 2 }),
      'pctStart must be',
    ],
    [
      'milestones that do not rise',
      (o) => {
        const schedulers = [1, 2, 3].map((stepSize) => new StepLR(o, { stepSize }));
        return new SequentialLR(o, { schedulers, milestones: [3, 3] });
      },
      'milestones must rise, got 3, 3',
    ],
    [
      'too few milestones',
      (o) => new SequentialLR(o, { schedulers: [new LinearLR(o), new LinearLR(o)], milestones: [] }),
      'one step less than there are schedules (2)',
    ],
    [
      'schedules of another optimizer',
      (o) => new SequentialLR(o, { schedulers: [new LinearLR(new SGD({ lr: 1 }))], milestones: [] }),
      'of the same optimizer',
    ],
  ])('refuses %s', (_, make, message) => {
    expect(() => make(new SGD({ lr: 0.1 }))).toThrow(message);
  });
});
