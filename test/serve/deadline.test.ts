import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { within } from '../../lib/serve/inference/deadline.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Waits until it is told to stop. */
const waiting = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason));
  });

describe('within', () => {
  it('aborts after so many microseconds, and not before', async () => {
    const ended = vi.fn();
    within(2500, new AbortController().signal, waiting).catch(ended);
    await vi.advanceTimersByTimeAsync(2);
    expect(ended).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(ended).toHaveBeenCalledWith(expect.objectContaining({ status: 504 }));
  });

  it('hands on what it is aborted with, before or meanwhile, with a timeout or without', async () => {
    const reason = new Error('gone');
    for (const timeout of [undefined, 1000]) {
      const controller = new AbortController();
      const work = within(timeout, controller.signal, waiting);
      controller.abort(reason);
      await expect(work).rejects.toBe(reason);
      await expect(within(timeout, controller.signal, waiting)).rejects.toBe(reason);
    }
  });

  it('leaves no timer and no listener behind', async () => {
    const { signal } = new AbortController();
    const removed = vi.spyOn(signal, 'removeEventListener');
    expect(await within(1000, signal, async () => 7)).toBe(7);
    expect(vi.getTimerCount()).toBe(0);
    expect(removed).toHaveBeenCalledTimes(1);
  });

  it('does not take a timeout of months for none at all', async () => {
    const work = within(Number.MAX_SAFE_INTEGER, new AbortController().signal, async () => {
      // Node makes 1 ms of a delay of more than 2^31 ms.
      await vi.advanceTimersByTimeAsync(60_000);
      return 'done';
    });
    expect(await work).toBe('done');
  });
});
