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
    expect(dropped).toEqual(['B', 'A', 'C']);
  });
});
