import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cpuFeatures } from '../../lib/cpu/features.ts';

/** What the kernel found out about the first CPU of this machine. */
function kernelView() {
  const [first = ''] = readFileSync('/proc/cpuinfo', 'utf8').split('\n\n');
  return new Map(first.split('\n').map((line) => line.split(/\s*:\s*/) as [string, string]));
}

describe('cpuFeatures on this machine', () => {
  const features = cpuFeatures();
  const kernel = kernelView();
  const flags = new Set(kernel.get('flags')?.split(' '));

  it('names the processor as the kernel does', () => {
    expect(features).toMatchObject({
      vendor: kernel.get('vendor_id'),
      // A virtual machine that goes on from a snapshot may be on another processor than the one whose name the kernel read.
      brand: expect.stringMatching(/\w/),
      family: Number(kernel.get('cpu family')),
      model: Number(kernel.get('model')),
      stepping: Number(kernel.get('stepping')),
    });
  });

  it('finds the instruction sets the kernel found', () => {
    expect(features.instructionSets).toMatchObject({
      avx2: flags.has('avx2'),
      avx512Core: ['f', 'bw', 'dq', 'vl', 'cd'].every((part) => flags.has(`avx512${part}`)),
      avx512Vnni: flags.has('avx512_vnni'),
      avxVnni: flags.has('avx_vnni'),
      avx512Bf16: flags.has('avx512_bf16'),
      avx512Fp16: flags.has('avx512_fp16'),
    });
    // The kernel may still refuse tiles to a process, so here the flags are only an upper bound.
    for (const part of ['Tile', 'Int8', 'Bf16'] as const) {
      expect(features.instructionSets[`amx${part}`] && !flags.has(`amx_${part.toLowerCase()}`)).toBe(false);
    }
  });

  it('counts CPUs as the scheduler allows them', () => {
    const allowed = Number(execFileSync('nproc', { env: { PATH: process.env.PATH }, encoding: 'utf8' }));
    expect(features.logicalCpus).toBe(allowed);
    expect(features.cores).toBeLessThanOrEqual(features.logicalCpus);
    expect(features.sockets).toBeLessThanOrEqual(features.cores);
  });

  it('names the oneDNN it was built with', () => {
    expect(features.oneDnn.version).toMatch(/^[23]\.\d+\.\d+$/);
  });

  it.skipIf(process.env.ONEDNN_MAX_CPU_ISA)('agrees with oneDNN on the widest instruction set', () => {
    const { instructionSets: sets, oneDnn } = features;
    expect(oneDnn.isa.startsWith('avx512_core')).toBe(sets.avx512Core);
    expect(oneDnn.isa.startsWith('avx512_core_amx')).toBe(sets.amxInt8 && sets.amxBf16);
  });

  it.runIf(/^avx2$|^avx512_core/.test(features.oneDnn.isa))(
    'knows who likes channels in blocks of eight',
    () => {
      const { version, isa, prefersChannelBlocks } = features.oneDnn;
      // Measured: 2.6's AVX2 kernels are faster on blocks, 3.7's are not. AVX-512 has blocks of sixteen, if any.
      expect(prefersChannelBlocks).toBe(isa === 'avx2' && version.startsWith('2.'));
    },
  );

  it('knows where sums of 8-bit products saturate', () => {
    const { isa, int8SumsSaturate } = features.oneDnn;
    expect(int8SumsSaturate).toBe(['sse41', 'avx', 'avx2', 'avx512_core'].includes(isa));
  });

  it('honours ONEDNN_MAX_CPU_ISA, in a process of its own as oneDNN reads it once', () => {
    const addon = new URL('../../build/Release/octavo.node', import.meta.url).pathname;
    const isa = execFileSync(
      process.execPath,
      ['-p', `require(${JSON.stringify(addon)}).oneDnnVersion().isa`],
      { env: { ...process.env, ONEDNN_MAX_CPU_ISA: 'SSE41' }, encoding: 'utf8' },
    );
    expect(isa.trim()).toBe('sse41');
  });
});
