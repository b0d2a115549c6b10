import { expect, it } from 'vitest';
import { octavoHere } from './octavo.ts';

const source = 'models/glyph_resnet.pt2';

it('print --why shows below each step what was passed over for it, and why', async () => {
  const print = (...options: string[]) => octavoHere('print', source, '--stage', 'plan', ...options);
  const why = (await print('--why')).stdout.split('\n');
  const at = why.findIndex((line) => / linear +float32\[1, \d+\] /.test(line));
  // A float32 layer; so it is on every CPU.
  expect(why.slice(at + 1, at + 4)).toEqual([
    '     not octavo:exact: is for 8-bit integers alone',
    '     not octavo:tiles: is for 8-bit integers alone',
    "     not oneDNN's convolution: is for 8-bit integers alone",
  ]);
  expect(why.filter((line) => !line.startsWith('     not ')).join('\n')).toBe((await print()).stdout);
  const { plan } = JSON.parse((await print('--json')).stdout);
  expect(plan.steps.find(({ op }: { op: string }) => op === 'linear').rejections).toContainEqual({
    implementation: 'octavo:exact',
    reason: 'is for 8-bit integers alone',
  });
});

it('print --why is for the plan alone', async () => {
  const { code, stderr } = await octavoHere('print', source, '--why');
  expect(code).toBe(2);
  expect(stderr).toContain('--why needs --stage plan, not captured');
});
