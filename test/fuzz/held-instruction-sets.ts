/** Of oldest to newest: values of `ONEDNN_MAX_CPU_ISA` under which oneDNN takes other kernels. */
const steps = ['AVX2', 'AVX512_CORE', 'AVX512_CORE_VNNI'];

/**
 * The instruction sets that oneDNN can be held to below the one that it uses (`cpuFeatures().oneDnn.isa`), as values of
 * `ONEDNN_MAX_CPU_ISA`; undefined, the last one, is that one itself.
 */
export function heldInstructionSets(own: string): readonly (string | undefined)[] {
  const at = steps.indexOf(own.toUpperCase());
  if (at >= 0) return [...steps.slice(0, at), undefined];
  if (/^avx(512|10)/.test(own)) return [...steps, undefined];
  return own.startsWith('avx2') ? ['AVX2', undefined] : [undefined];
}
