import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const rows = readFileSync(join(root, 'docs', 'lowering.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split('|').map((cell) => cell.trim()));
const passes = readdirSync(join(root, 'lib', 'lowering', 'passes'))
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.replace(/\.ts$/, ''));

describe('docs/lowering.md', () => {
  it('names every pass, and no other', () => {
    const named = rows.map(([, pass]) => pass.replaceAll('`', ''));
    expect([...new Set(named)].sort()).toEqual(passes.sort());
  });

  it('names operators that there are', () => {
    const named = rows
      .flat()
      .flatMap((cell) => [...cell.matchAll(/`((?:aten|onednn|mkldnn|octavo)\.[^`]+)`/g)])
      .map(([, target]) => target);
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((target) => !operators.has(target))).toEqual([]);
  });

  it('names tests that there are', () => {
    const files = rows.map((cells) => cells[4].replaceAll('`', ''));
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });
});

describe('every pass', () => {
  it.each(passes)('%s draws its pattern above the code', (pass) => {
    const source = readFileSync(join(root, 'lib', 'lowering', 'passes', `${pass}.ts`), 'utf8');
    const comment = source
      .slice(0, source.search(/^export const \w+: Pass = /m))
      .split('/**')
      .at(-1)!;
    expect(comment).toMatch(/^ \* {5}\S/m);
    expect(comment).toMatch(/⇒|\(still there\)/);
  });
});
