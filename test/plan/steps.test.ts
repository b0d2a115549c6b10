import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { steps } from '../../lib/plan/index.ts';

it('plans know the steps of the native table, all of them and no others', () => {
  const table = readFileSync(new URL('../../native/contract/table.cc', import.meta.url), 'utf8');
  const names = [...table.matchAll(/\{"(\w+)", create_\1\}/g)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(20);
  expect(Object.keys(steps)).toEqual(names);
});
