import { describe, expect, it } from 'vitest';
import { PlanCache } from '../../lib/runtime/plan-cache.ts';

describe('PlanCache', () => {
  it('forgets a plan that failed, but not another that has its key by then', async () => {
    const plans = new PlanCache<string>(2);
    const failing = Promise.reject(new Error('cannot be compiled'));
    const asked = plans.get('a', () => failing);
    plans.set('a', 'compiled meanwhile');
    await expect(asked).rejects.toThrow('cannot be compiled');
    expect(plans.ready('a')).toBe('compiled meanwhile');
    await expect(plans.get('b', () => failing)).rejects.toThrow('cannot be compiled');
    expect(await plans.get('b', async () => 'compiled again')).toBe('compiled again');
  });

  it('tells of plans that make room, the one used least recently first, but not of one that is awaited', async () => {
    const dropped: string[] = [];
    const plans = new PlanCache<string>(2, (plan) => dropped.push(plan));
    plans.set('a', 'A');
    plans.set('b', 'B');
    plans.ready('a');
    plans.set('c', 'C');
    expect(dropped).toEqual(['B']);
    let compiled = (_: string) => {};
    const waiting = plans.get('d', () => new Promise((resolve) => (compiled = resolve)));
    plans.set('e', 'E');
    plans.set('f', 'F');
    compiled('D');
    expect(await waiting).toBe('D');
    await new Promise(setImmediate);
    expect(dropped).toEqual(['B', 'C', 'A']);
  });

  it('drops a plan after the one that takes its place is ready and its request has begun', async () => {
    const events: string[] = [];
    const plans = new PlanCache<string>(1, (plan) => events.push(`dropped ${plan}`));
    plans.set('a', 'A');
    let compiled = (_: string) => {};
    const waiting = plans.get('b', () => new Promise((resolve) => (compiled = resolve)));
    await new Promise(setImmediate);
    compiled(await 'B');
    events.push(`running ${await waiting}`);
    expect(events).toEqual(['running B']);
    await new Promise(setImmediate);
    expect(events).toEqual(['running B', 'dropped A']);
    // Nor is it kept if the other one fails.
    await expect(plans.get('c', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await new Promise(setImmediate);
    expect(events).toEqual(['running B', 'dropped A', 'dropped B']);
  });
});
