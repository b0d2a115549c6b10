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
});
