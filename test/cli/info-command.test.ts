import { describe, expect, it } from 'vitest';
import { cpuFeatures } from '../../lib/cpu/features.ts';
import { octavo } from './octavo.ts';

describe('octavo info', () => {
  it('prints one JSON document with --json', () => {
    const { code, stdout, stderr } = octavo('info', '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({ ...cpuFeatures(), node: process.version });
  });

  it('prints oneDNN and the instruction sets for people', () => {
    const { code, stdout } = octavo('info');
    expect(code).toBe(0);
    expect(stdout).toContain(`oneDNN     ${cpuFeatures().oneDnn.version}`);
    expect(stdout).toMatch(/AVX-512 VNNI .*\| +(yes|no) \|/);
  });
});

describe('exit codes', () => {
  it.each([
    [['--help'], 0, 'Usage: octavo'],
    [['--version'], 0, '0.1.0'],
    [[], 2, 'Usage: octavo'],
    [['quantise'], 2, "unknown command 'quantise'"],
    [['info', '--colour'], 2, "unknown option '--colour'"],
  ])('%j ends with %i', (args, code, text) => {
    const finished = octavo(...args);
    expect(finished.code).toBe(code);
    expect(finished.stdout + finished.stderr).toContain(text);
  });
});
