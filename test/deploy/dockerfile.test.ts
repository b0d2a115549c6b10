import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ValidationSeverity, validate } from 'dockerfile-utils';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../lib/cli/commands.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');

/** What a linter has to say. */
const lint = (text: string) =>
  validate(text, { emptyContinuationLine: ValidationSeverity.ERROR }).map(({ message }) => message);

/** Instructions without comments, each on a line. */
const instructions = dockerfile
  .replace(/^\s*#.*\n/gm, '')
  .replace(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line !== '');
const all = (name: string) =>
  instructions.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
const last = (name: string) => all(name).at(-1)!;

describe('the Dockerfile', () => {
  it('has no faults that a linter finds', () => {
    expect(lint(dockerfile)).toEqual([]);
    expect(lint(dockerfile.replace('COPY lib lib', 'COPI lib lib'))).toEqual(['Unknown instruction: COPI']);
    expect(lint(dockerfile.replace('--interval=15s', '--interval=15'))).not.toEqual([]);
    expect(lint(dockerfile.replace('FROM debian', 'FRM debian'))).not.toEqual([]);
  });

  it('copies what is there, and what .dockerignore lets in', () => {
    const context = all('COPY').filter((line) => !line.startsWith('--from'));
    const sources = context.flatMap((line) => line.split(' ').slice(0, -1));
    expect(sources).toContain('lib');
    for (const source of sources) expect(existsSync(join(root, source)), source).toBe(true);
    const [first, ...admitted] = readFileSync(join(root, '.dockerignore'), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(first).toBe('*');
    expect(admitted.map((line) => line.slice(1)).sort()).toEqual(sources.sort());
  });

  it('runs a command that there is, as a user that is not root', () => {
    const program = createProgram();
    const serve = program.commands.find((command) => command.name() === 'serve')!;
    const [name, ...args] = JSON.parse(last('CMD'));
    expect(name).toBe('serve');
    const { operands, unknown } = serve.parseOptions(args);
    expect([operands, unknown]).toEqual([['/mnt/models'], []]);
    expect(last('USER')).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(JSON.parse(last('ENTRYPOINT')).at(-1)).toBe(`/opt/octavo/${bin.octavo}`);
  });
});
