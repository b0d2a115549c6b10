// Pointwise functions of 16 floats, of float32's precision: the ones of kernels/transcendental.cc in
// registers.
#pragma once

#include "kernels/avx512/instruction_set.h"

namespace octavo::kernels {

// 2^x within 3 units in the last place, for x from -126 to 126; below, that of -126. NaN stays NaN.
OCTAVO_AVX512_INLINE __m512 power_of_two_below(__m512 x) {
  // No subnormal numbers, each of which costs 150 cycles.
  x = _mm512_max_ps(_mm512_set1_ps(-126), x);
  // x less the whole number below it, which scalef takes too.
  const __m512 r = _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  __m512 p = _mm512_set1_ps(1.86713028e-3f);
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(9.01702978e-3f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.57999127e-2f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.240164444f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.693151295f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1));
  return _mm512_scalef_ps(p, x);
}

// The same for all x; above 126 it is 2^126, not infinity, of which reciprocal() would make NaN.
OCTAVO_AVX512_INLINE __m512 power_of_two(__m512 x) {
  return power_of_two_below(_mm512_min_ps(_mm512_set1_ps(126), x));
}

// 1 / x for a normal x: an estimate of 14 bits, and one step of Newton's.
OCTAVO_AVX512_INLINE __m512 reciprocal(__m512 x) {
  const __m512 estimate = _mm512_rcp14_ps(x);
  const __m512 error = _mm512_fnmadd_ps(x, estimate, _mm512_set1_ps(1));
  return _mm512_fmadd_ps(estimate, error, estimate);
}

// 1 / (1 + 2^(x * exponent)): the logistic function of `x` where the exponent is -log2(e).
OCTAVO_AVX512_INLINE __m512 logistic(__m512 x, float exponent = -1.44269504f) {
  const __m512 power = power_of_two(_mm512_mul_ps(x, _mm512_set1_ps(exponent)));
  return reciprocal(_mm512_add_ps(_mm512_set1_ps(1), power));
}

OCTAVO_AVX512_INLINE __m512 hyperbolic_tangent(__m512 x) {
  const __m512 far = _mm512_fmadd_ps(_mm512_set1_ps(2), logistic(x, -2.88539008f), _mm512_set1_ps(-1));
  // Near 0 the difference cancels: Cephes' polynomial.
  const __m512 z = _mm512_mul_ps(x, x);
  __m512 p = _mm512_set1_ps(-5.70498872745e-3f);
  p = _mm512_fmadd_ps(p, z, _mm512_set1_ps(2.06390887954e-2f));
  p = _mm512_fmadd_ps(p, z, _mm512_set1_ps(-5.37397155531e-2f));
  p = _mm512_fmadd_ps(p, z, _mm512_set1_ps(1.33314422036e-1f));
  p = _mm512_fmadd_ps(p, z, _mm512_set1_ps(-3.33332819422e-1f));
  const __m512 near = _mm512_fmadd_ps(_mm512_mul_ps(p, z), x, x);
  const __mmask16 is_near = _mm512_cmp_ps_mask(_mm512_abs_ps(x), _mm512_set1_ps(0.625f), _CMP_LT_OQ);
  return _mm512_mask_mov_ps(far, is_near, near);
}

// Abramowitz and Stegun 7.1.26, within 1.5e-7.
OCTAVO_AVX512_INLINE __m512 error_function(__m512 x) {
  const __m512 magnitude = _mm512_abs_ps(x), one = _mm512_set1_ps(1);
  const __m512 t = reciprocal(_mm512_fmadd_ps(_mm512_set1_ps(0.3275911f), magnitude, one));
  __m512 p = _mm512_set1_ps(1.061405429f);
  p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(-1.453152027f));
  p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(1.421413741f));
  p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(-0.284496736f));
  p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(0.254829592f));
  const __m512 power = power_of_two(_mm512_mul_ps(_mm512_mul_ps(x, x), _mm512_set1_ps(-1.44269504f)));
  const __m512 result = _mm512_fnmadd_ps(_mm512_mul_ps(p, t), power, one);
  const __m512 sign = _mm512_and_ps(x, _mm512_set1_ps(-0.0f));
  return _mm512_or_ps(result, sign);
}

}  // namespace octavo::kernels
