import type { RawCpu } from '../native/raw-cpu.ts';

/**
 * The instruction sets that matter for int8 inference. Each is true if processor, operating system and kernel all allow
 * it.
 */
export interface InstructionSets {
  /** 256-bit integer vectors. */
  readonly avx2: boolean;
  /** AVX-512 F, BW, DQ, VL and CD together: what oneDNN calls `avx512_core` (Skylake-SP). */
  readonly avx512Core: boolean;
  /** AVX-512 VNNI: u8 x s8 dot products into int32 that cannot saturate (Cascade Lake, Zen 4). */
  readonly avx512Vnni: boolean;
  /** The same dot products on 256-bit registers under VEX encoding (Alder Lake, Zen 5). */
  readonly avxVnni: boolean;
  /** AVX-512 bfloat16 dot products (Cooper Lake, Zen 4). */
  readonly avx512Bf16: boolean;
  /** AVX-512 float16 arithmetic (Sapphire Rapids). */
  readonly avx512Fp16: boolean;
  /** AMX tile registers, switched on by the operating system and granted to this process by the kernel. */
  readonly amxTile: boolean;
  /** AMX int8 matrix products. */
  readonly amxInt8: boolean;
  /** AMX bfloat16 matrix products. */
  readonly amxBf16: boolean;
}

/** The processor's vendor and model. */
export interface CpuModel {
  /** `GenuineIntel`, `AuthenticAMD`, … */
  readonly vendor: string;
  /** The marketing name: `AMD EPYC 9654 96-Core Processor`. Empty where the processor has none. */
  readonly brand: string;
  readonly family: number;
  readonly model: number;
  readonly stepping: number;
}

type Register = 'eax' | 'ebx' | 'ecx' | 'edx';
const registers: readonly Register[] = ['eax', 'ebx', 'ecx', 'edx'];

/** One CPUID register; 0 for a leaf that the processor does not have, as all feature bits of such a leaf are. */
function register(raw: RawCpu, leaf: number, subleaf: number, name: Register): number {
  const row = raw.cpuid.find((row) => row[0] === leaf && row[1] === subleaf);
  return row?.[2 + registers.indexOf(name)] ?? 0;
}

const hasBits = (value: number, mask: number) => (value & mask) === mask;

// Bits of XCR0 and of the kernel's permissions (Intel SDM volume 1, 13.1).
const sseAndAvxState = 0b110;
const avx512State = sseAndAvxState | 0b1110_0000;
const tileState = 0b11 << 17;
const tileDataState = 1 << 18;

/**
 * The instruction sets that may be used. A pure function of recorded values: a feature bit counts only if the operating
 * system also saves the registers it needs (XCR0), and AMX only if the kernel has granted tiles to this process.
 */
export function instructionSets(raw: RawCpu): InstructionSets {
  const bit = (leaf: number, subleaf: number, name: Register, position: number) =>
    ((register(raw, leaf, subleaf, name) >>> position) & 1) === 1;

  const osxsave = bit(1, 0, 'ecx', 27);
  const avx = osxsave && bit(1, 0, 'ecx', 28) && hasBits(raw.xcr0, sseAndAvxState);
  const avx2 = avx && bit(7, 0, 'ebx', 5);
  const foundation = bit(7, 0, 'ebx', 16);
  const doubleQuad = bit(7, 0, 'ebx', 17);
  const conflict = bit(7, 0, 'ebx', 28);
  const byteWord = bit(7, 0, 'ebx', 30);
  const vectorLength = bit(7, 0, 'ebx', 31);
  const avx512Core =
    avx2 &&
    hasBits(raw.xcr0, avx512State) &&
    foundation &&
    doubleQuad &&
    conflict &&
    byteWord &&
    vectorLength;
  const amxTile =
    osxsave &&
    bit(7, 0, 'edx', 24) &&
    hasBits(raw.xcr0, tileState) &&
    hasBits(raw.permittedStates, tileDataState);
  return {
    avx2,
    avx512Core,
    avx512Vnni: avx512Core && bit(7, 0, 'ecx', 11),
    avxVnni: avx2 && bit(7, 1, 'eax', 4),
    avx512Bf16: avx512Core && bit(7, 1, 'eax', 5),
    avx512Fp16: avx512Core && bit(7, 0, 'edx', 23),
    amxTile,
    amxInt8: amxTile && bit(7, 0, 'edx', 25),
    amxBf16: amxTile && bit(7, 0, 'edx', 22),
  };
}

/** Four characters a register, lowest byte first. */
const ascii = (...values: readonly number[]) =>
  values
    .map((value) => String.fromCharCode(...[0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff)))
    .join('');

/** Reads vendor, brand string and the family/model/stepping that processors are told apart by. */
export function cpuModel(raw: RawCpu): CpuModel {
  const brand = [0x80000002, 0x80000003, 0x80000004].flatMap((leaf) =>
    registers.map((name) => register(raw, leaf, 0, name)),
  );
  const signature = register(raw, 1, 0, 'eax');
  const baseFamily = (signature >>> 8) & 0xf;
  const baseModel = (signature >>> 4) & 0xf;
  // The extended fields count only for the families that ran out of room (Intel SDM, CPUID leaf 1).
  const family = baseFamily === 0xf ? baseFamily + ((signature >>> 20) & 0xff) : baseFamily;
  const extendsModel = baseFamily === 0x6 || baseFamily === 0xf;
  return {
    vendor: ascii(register(raw, 0, 0, 'ebx'), register(raw, 0, 0, 'edx'), register(raw, 0, 0, 'ecx')),
    brand: ascii(...brand)
      .replaceAll('\0', '')
      .replace(/\s+/g, ' ')
      .trim(),
    family,
    model: extendsModel ? (((signature >>> 16) & 0xf) << 4) | baseModel : baseModel,
    stepping: signature & 0xf,
  };
}
