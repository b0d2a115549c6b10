import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cpuModel, type InstructionSets, instructionSets } from '../../lib/cpu/instruction-sets.ts';
import type { RawCpu } from '../../lib/native/raw-cpu.ts';

/**
 * CPUID values read on real processors, published as InstLatX64 dumps (instlatx64.atw.hu; the copies shipped as test data by
 * github.com/klauspost/cpuid). The dumps do not hold XCR0 and kernel permissions: those below are what Linux sets.
 */
function recorded(name: string): RawCpu['cpuid'] {
  const text = readFileSync(new URL(`../fixtures/cpuid/${name}.txt`, import.meta.url), 'utf8');
  return [...text.matchAll(/^([\dA-F]{8}) ([\dA-F]{2}): (\S+) (\S+) (\S+) (\S+)$/gm)].map((match) =>
    match.slice(1).map((field) => Number.parseInt(field, 16)),
  );
}

const avxOnly = 0x7;
const withAvx512 = 0x2e7;
const withTiles = 0x602e7;

const none: InstructionSets = {
  avx2: false,
  avx512Core: false,
  avx512Vnni: false,
  avxVnni: false,
  avx512Bf16: false,
  avx512Fp16: false,
  amxTile: false,
  amxInt8: false,
  amxBf16: false,
};
const skylake = { ...none, avx2: true, avx512Core: true };
const cascadeLake = { ...skylake, avx512Vnni: true };
const zen4 = { ...cascadeLake, avx512Bf16: true };
const sapphireRapidsVectors = { ...zen4, avxVnni: true, avx512Fp16: true };
const sapphireRapids = { ...sapphireRapidsVectors, amxTile: true, amxInt8: true, amxBf16: true };

describe('instruction sets of recorded processors', () => {
  // Expected values: the makers' own feature lists.
  const cases: [title: string, file: string, xcr0: number, permittedStates: number, InstructionSets][] = [
    ['Haswell', 'haswell', avxOnly, avxOnly, { ...none, avx2: true }],
    ['Skylake-SP', 'skylake-sp', withAvx512, withAvx512, skylake],
    ['Cascade Lake', 'cascade-lake', withAvx512, withAvx512, cascadeLake],
    ['Ice Lake-SP', 'ice-lake-sp', withAvx512, withAvx512, cascadeLake],
    ['Sapphire Rapids', 'sapphire-rapids', withTiles, withTiles, sapphireRapids],
    [
      'Sapphire Rapids under a kernel that does not know tiles',
      'sapphire-rapids',
      withAvx512,
      0,
      sapphireRapidsVectors,
    ],
    [
      'Sapphire Rapids with tiles refused to the process',
      'sapphire-rapids',
      withTiles,
      0x202e7,
      sapphireRapidsVectors,
    ],
    ['Zen 3', 'zen-3', 0x207, 0x207, { ...none, avx2: true }],
    ['Zen 4', 'zen-4', withAvx512, withAvx512, zen4],
    ['Zen 5', 'zen-5', withAvx512, withAvx512, { ...zen4, avxVnni: true }],
  ];
  it.each(cases)('%s', (_, file, xcr0, permittedStates, expected) => {
    expect(instructionSets({ cpuid: recorded(file), xcr0, permittedStates })).toEqual(expected);
  });

  it('a kernel that predates permissions (before 5.16) still gives AVX-512', () => {
    expect(instructionSets({ cpuid: recorded('zen-4'), xcr0: withAvx512, permittedStates: 0 })).toEqual(zen4);
  });

  it('registers that the operating system does not save take their instruction sets along', () => {
    const cpuid = recorded('sapphire-rapids');
    const of = (xcr0: number) => instructionSets({ cpuid, xcr0, permittedStates: withTiles });
    expect(of(0)).toEqual(none);
    expect(of(0b11)).toEqual(none);
    // AVX state alone: everything encoded with 256 bits stays.
    expect(of(avxOnly)).toEqual({ ...none, avx2: true, avxVnni: true });
    // Opmask and the upper halves, but not the upper sixteen registers: no AVX-512.
    expect(of(avxOnly | 0x60)).toEqual({ ...none, avx2: true, avxVnni: true });
    // Tile configuration without tile data.
    expect(of(withAvx512 | (1 << 17))).toEqual(sapphireRapidsVectors);
  });

  it('without OSXSAVE nothing is usable, whatever XCR0 is taken for', () => {
    const osxsave = 1 << 27;
    const cpuid = recorded('zen-4').map((row) =>
      row.map((value, column) => (row[0] === 1 && column === 4 ? (value & ~osxsave) >>> 0 : value)),
    );
    expect(instructionSets({ cpuid, xcr0: withAvx512, permittedStates: withAvx512 })).toEqual(none);
  });
});

describe('identity of recorded processors', () => {
  it.each([
    ['haswell', 'GenuineIntel', 'Intel(R) Xeon(R) CPU E5-2699 v3 @ 2.30GHz', 6, 0x3f, 2],
    ['skylake-sp', 'GenuineIntel', 'Intel(R) Xeon(R) Platinum 8160 CPU @ 2.10GHz', 6, 0x55, 4],
    ['cascade-lake', 'GenuineIntel', 'Intel(R) Xeon(R) Platinum 8280 CPU @ 2.70GHz', 6, 0x55, 7],
    ['ice-lake-sp', 'GenuineIntel', 'Intel(R) Xeon(R) Gold 6336Y CPU @ 2.40GHz', 6, 0x6a, 6],
    ['sapphire-rapids', 'GenuineIntel', 'Intel(R) Xeon(R) w7-2475X', 6, 0x8f, 8],
    ['zen-3', 'AuthenticAMD', 'AMD EPYC 7763 64-Core Processor', 0x19, 0x01, 1],
    ['zen-4', 'AuthenticAMD', 'AMD EPYC 9654 96-Core Processor', 0x19, 0x11, 1],
    ['zen-5', 'AuthenticAMD', 'AMD EPYC 9655 96-Core Processor', 0x1a, 0x02, 1],
  ])('%s', (file, vendor, brand, family, model, stepping) => {
    expect(cpuModel({ cpuid: recorded(file), xcr0: 0, permittedStates: 0 })).toEqual({
      vendor,
      brand,
      family,
      model,
      stepping,
    });
  });
});
