import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

// Under oneDNN 2.6 the kernel that AVX2_VNNI has for these added wrong elements.
it.each(['AVX2', 'AVX2_VNNI', 'DEFAULT'])('addends of depthwise layers, %s', (isa) => {
  const script = fileURLToPath(new URL('depthwise-addends-child.ts', import.meta.url));
  const environment = { ...process.env, ONEDNN_MAX_CPU_ISA: isa };
  const args = ['--import', 'tsx', script];
  expect(JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', env: environment }))).toEqual(
    [],
  );
});
