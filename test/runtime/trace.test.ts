import { expect, test } from 'vitest';
import { compile, ratesOf, traceOf } from '../../lib/runtime/index.ts';
import { uniform } from '../support/graph-builder.ts';
import { convNet } from '../support/models.ts';

test('a trace has a process a plan, an event a run, and in it an event a step', () => {
  using model = compile(convNet(), { threadsPerStream: 1 });
  const runs = [1, 2].map((batch) => {
    const x = uniform([batch, 3, 8, 8], -1, 1, 5);
    return [model.profile(x), model.profile(x), model.profile(x)];
  });
  const plans = runs.map((profiles, i) => ({ name: `batch ${i + 1}`, threads: 1, runs: profiles }));
  const { traceEvents, displayTimeUnit } = JSON.parse(JSON.stringify(traceOf(plans)));
  expect(displayTimeUnit).toBe('ms');
  const events = traceEvents as Record<string, unknown>[];
  expect(events.filter(({ ph }) => ph === 'M')).toEqual([
    { ph: 'M', name: 'process_name', pid: 1, tid: 1, args: { name: 'batch 1' } },
    { ph: 'M', name: 'thread_name', pid: 1, tid: 1, args: { name: 'stream (1 thread)' } },
    { ph: 'M', name: 'process_name', pid: 2, tid: 1, args: { name: 'batch 2' } },
    { ph: 'M', name: 'thread_name', pid: 2, tid: 1, args: { name: 'stream (1 thread)' } },
  ]);
  for (const [i, profiles] of runs.entries()) {
    const complete = events.filter(({ ph, pid }) => ph === 'X' && pid === i + 1) as {
      cat: string;
      ts: number;
      dur: number;
      name: string;
      args: Record<string, unknown>;
    }[];
    const outer = complete.filter(({ cat }) => cat === 'run');
    const inner = complete.filter(({ cat }) => cat !== 'run');
    expect(outer.map(({ name }) => name)).toEqual(['run 1', 'run 2', 'run 3']);
    expect(inner.map(({ name }) => name)).toEqual(profiles.flat().map(({ node }) => node));
    // Nothing overlaps on the one thread, and each step lies in its run; a nanosecond for rounding.
    let end = 0;
    for (const [index, { ts, dur }] of inner.entries()) {
      const run = outer[Math.floor(index / profiles[0].length)];
      expect(ts).toBeGreaterThanOrEqual(end - 1e-3);
      expect(ts).toBeGreaterThanOrEqual(run.ts - 1e-3);
      end = ts + dur;
      expect(end).toBeLessThanOrEqual(run.ts + run.dur + 1e-3);
    }
    const batch = i + 1;
    const convolution = inner.find(({ cat }) => cat === 'convolution')!;
    expect(convolution.args).toMatchObject({
      operators: expect.stringContaining('conv2d'),
      target: 'aten.conv2d.default',
      inputDtype: 'float32',
      dtype: 'float32',
      shape: `[${batch}, 8, 8, 8]`,
      multiplyAdds: batch * 8 * 64 * 27,
      // 3 channels in and 8 out of 64 pixels; weights and bias.
      bytes: 4 * (batch * 11 * 64 + 8 * 27 + 8),
      implementation: expect.stringMatching(/./),
      // Microseconds were nanoseconds once: one rounding.
      gops: expect.closeTo((2 * batch * 8 * 64 * 27) / (1000 * convolution.dur), 9),
    });
  }
});

test('rates are operations and bytes a nanosecond', () => {
  using model = compile(convNet());
  const [step] = model.profile(uniform([1, 3, 8, 8], -1, 1, 5));
  expect(ratesOf({ ...step, multiplyAdds: 3000, bytes: 500 }, 100)).toEqual({
    gops: 60,
    gigabytesPerSecond: 5,
  });
  expect(ratesOf(step, 0).gigabytesPerSecond).toBe(step.bytes);
});
