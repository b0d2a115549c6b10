#include "kernels/lookup.h"

#include <immintrin.h>

namespace octavo::kernels {

namespace {
void lookup_scalar(const uint8_t* table, const uint8_t* src, uint8_t* dst, int64_t n) {
  for (int64_t i = 0; i < n; i++) dst[i] = table[src[i]];
}

// VPERMI2B looks 7 bits up in 128 entries. Two of them cover the two halves of the table, and the top
// bit selects one.
__attribute__((target("avx512f,avx512bw,avx512vbmi"))) void lookup_vbmi(const uint8_t* table,
                                                                        const uint8_t* src, uint8_t* dst,
                                                                        int64_t n) {
  const __m512i t0 = _mm512_loadu_si512(table), t1 = _mm512_loadu_si512(table + 64);
  const __m512i t2 = _mm512_loadu_si512(table + 128), t3 = _mm512_loadu_si512(table + 192);
  for (int64_t i = 0; i < n; i += 64) {
    const __mmask64 inside = n - i >= 64 ? ~__mmask64{0} : (__mmask64{1} << (n - i)) - 1;
    const __m512i index = _mm512_maskz_loadu_epi8(inside, src + i);
    const __m512i low = _mm512_permutex2var_epi8(t0, index, t1),
                  high = _mm512_permutex2var_epi8(t2, index, t3);
    _mm512_mask_storeu_epi8(dst + i, inside, _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), low, high));
  }
}

bool has_vbmi() {
  __builtin_cpu_init();  // needed because this runs while the library is loaded
  return __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512bw");
}

using Lookup = void (*)(const uint8_t*, const uint8_t*, uint8_t*, int64_t);
const Lookup kLookup = has_vbmi() ? lookup_vbmi : lookup_scalar;
}  // namespace

void lookup_row(const uint8_t* table, const uint8_t* src, uint8_t* dst, int64_t n) {
  kLookup(table, src, dst, n);
}

const char* lookup_implementation() {
  return kLookup == lookup_vbmi ? "octavo:lookup:avx512_vbmi" : "octavo:lookup:scalar";
}

}  // namespace octavo::kernels
