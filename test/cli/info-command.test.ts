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

describe('octavo info --operators', () => {
  const { total, supported, operators } = JSON.parse(octavo('info', '--operators', '--json').stdout) as {
    readonly total: number;
    readonly supported: number;
    readonly operators: readonly { operator: string; way: string; note?: string }[];
  };

  it("names every operator of PyTorch's set once", () => {
    // PyTorch 2.14: so many operators of torch.ops.aten have torch.Tag.core.
    expect([total, operators.length, new Set(operators.map(({ operator }) => operator)).size]).toEqual([
      193, 193, 193,
    ]);
  });

  it('says how each is computed, and why not', () => {
    const wayOf = (name: string) => operators.find(({ operator }) => operator === name);
    expect(wayOf('aten.convolution.default')).toEqual({ operator: 'aten.convolution.default', way: 'step' });
    expect(wayOf('aten.permute.default')?.way).toBe('view');
    expect(wayOf('aten.sym_size.int')?.way).toBe('size');
    expect(wayOf('aten._softmax.default')?.way).toBe('decomposed');
    expect(wayOf('aten.randn.default')).toMatchObject({ way: 'none', note: expect.stringMatching(/random/) });
    expect(operators.filter(({ way, note }) => (way === 'none') !== (note !== undefined))).toEqual([]);
    expect(operators.filter(({ way }) => way !== 'none')).toHaveLength(supported);
  });

  it('prints the total for people', () => {
    expect(octavo('info', '--operators').stdout).toMatch(
      new RegExp(`\\n${supported} of 193, in the interpreter and in native plans: `),
    );
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
