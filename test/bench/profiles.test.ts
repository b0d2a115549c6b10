import { expect, test } from 'vitest';
import { kindOf, medianSteps, timeOf } from '../../bench/profiles.ts';
import { spanOf } from '../../lib/runtime/chrome-trace.ts';
import { compile, type StepProfile } from '../../lib/runtime/index.ts';
import { uniform } from '../support/graph-builder.ts';
import { convNet } from '../support/models.ts';

function profile(): StepProfile[] {
  using model = compile(convNet());
  return model.profile(uniform([1, 3, 8, 8], -1, 1, 5));
}

test('a step is oneDNN, a loop of our own, or a conversion', () => {
  expect(kindOf({ op: 'convolution', implementation: 'jit:avx2' })).toBe('oneDNN');
  expect(kindOf({ op: 'convolution', implementation: 'octavo:exact:avx2' })).toBe('own');
  expect(kindOf({ op: 'quantize', implementation: 'octavo:convert' })).toBe('conversion');
  expect(kindOf({ op: 'copy', implementation: 'jit:uni' })).toBe('conversion');
});

test('times add up: the span of a run is its steps and what lies between them', () => {
  const [first, second] = profile();
  const steps = [
    { ...first, nanoseconds: 50, runs: [{ lane: 0, start: 1000, nanoseconds: 50 }] },
    { ...second, nanoseconds: 30, runs: [{ lane: 0, start: 1070, nanoseconds: 30 }] },
  ];
  expect(timeOf(steps, () => true)).toBe(80);
  expect(timeOf(steps, ({ nanoseconds }) => nanoseconds < 40)).toBe(30);
  expect(spanOf(steps)).toBe(100);
  const slower = steps.map((step) => ({ ...step, nanoseconds: step.nanoseconds + 10 }));
  expect(medianSteps([slower, steps, slower]).map(({ nanoseconds }) => nanoseconds)).toEqual([60, 40]);
});
