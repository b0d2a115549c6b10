import { describe, expect, it } from 'vitest';
import { BodyMemory } from '../../lib/serve/rest/body-memory.ts';

const kibibytes = 1024;
const mebibytes = 2 ** 20;

describe('memory of bodies', () => {
  it('is used again for a body of about the same size, and for no other', () => {
    const memory = new BodyMemory();
    const first = memory.lend(600 * kibibytes);
    memory.giveBack(first.subarray(8, 100));
    expect(memory.lendIdle(200 * kibibytes)).toBeUndefined();
    expect(memory.lendIdle(2000 * kibibytes)).toBeUndefined();
    const second = memory.lendIdle(700 * kibibytes);
    expect(second?.buffer).toBe(first.buffer);
    expect(second?.length).toBeGreaterThanOrEqual(700 * kibibytes);
  });

  it('belongs to one body at a time', () => {
    const memory = new BodyMemory();
    const first = memory.lend(mebibytes);
    expect(memory.lend(mebibytes).buffer).not.toBe(first.buffer);
    memory.giveBack(first);
    // Once more makes it no second one.
    memory.giveBack(first);
    expect(memory.lendIdle(mebibytes)?.buffer).toBe(first.buffer);
    expect(memory.lendIdle(mebibytes)).toBeUndefined();
  });

  it('is not taken from others', () => {
    const memory = new BodyMemory();
    const small = memory.lend(100);
    memory.giveBack(small);
    memory.giveBack(Buffer.alloc(mebibytes));
    expect(memory.lendIdle(100)).toBeUndefined();
    expect(memory.lendIdle(mebibytes)).toBeUndefined();
  });

  it('is kept up to 64 MiB: what was given back first goes', () => {
    const memory = new BodyMemory();
    const bodies = Array.from({ length: 5 }, () => memory.lend(16 * mebibytes));
    const odd = memory.lend(mebibytes);
    memory.giveBack(odd);
    for (const body of bodies) memory.giveBack(body);
    expect(memory.lendIdle(mebibytes)).toBeUndefined();
    const kept = bodies.map(() => memory.lendIdle(16 * mebibytes)?.buffer);
    expect(kept).toEqual([
      ...bodies
        .slice(1)
        .map(({ buffer }) => buffer)
        .reverse(),
      undefined,
    ]);
  });
});
