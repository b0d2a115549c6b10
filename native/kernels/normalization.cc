#include "kernels/normalization.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/arithmetic.h"
#include "kernels/avx512/functions.h"
#include "kernels/exponential.h"
#include "kernels/multiversion.h"

namespace octavo::kernels {

namespace {
OCTAVO_INLINE float exponentials_of_any(const float* x, float shift, float* out, int64_t n) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; i++) {
    out[i] = exponential(x[i] - shift);
    sum += out[i];
  }
  return sum;
}

// out = exp(x - shift) for shifts that no x exceeds; returns the sum.
__attribute__((target("default"))) float exponentials(const float* x, float shift, float* out, int64_t n) {
  return exponentials_of_any(x, shift, out, n);
}
__attribute__((target("arch=x86-64-v3"))) float exponentials(const float* x, float shift, float* out,
                                                             int64_t n) {
  return exponentials_of_any(x, shift, out, n);
}
// GCC makes three times as many instructions of the loop above.
__attribute__((target("arch=x86-64-v4"))) float exponentials(const float* x, float shift, float* out,
                                                             int64_t n) {
  const __m512 factor = _mm512_set1_ps(1.44269504f), least = _mm512_set1_ps(-126);
  __m512 sum = _mm512_setzero_ps();
  for (int64_t i = 0; i < n; i += 16) {
    const __mmask16 there = n - i < 16 ? static_cast<__mmask16>((1 << (n - i)) - 1) : 0xffff;
    const __m512 difference = _mm512_sub_ps(_mm512_maskz_loadu_ps(there, x + i), _mm512_set1_ps(shift));
    const __m512 exponent = _mm512_mul_ps(difference, factor);
    // 0 where float32 has no normal number; what is not there does not count.
    const __mmask16 counts = _mm512_mask_cmp_ps_mask(there, exponent, least, _CMP_NLT_UQ);
    const __m512 power = _mm512_maskz_mov_ps(counts, power_of_two_below(exponent));
    _mm512_mask_storeu_ps(out + i, there, power);
    sum = _mm512_add_ps(sum, power);
  }
  return _mm512_reduce_add_ps(sum);
}

OCTAVO_MULTIVERSION float exponential_sum(const float* x, float shift, int64_t n) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; i++) sum += exponential(x[i] - shift);
  return sum;
}

OCTAVO_MULTIVERSION float squared_deviations(const float* x, float mean, int64_t n) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; i++) sum += (x[i] - mean) * (x[i] - mean);
  return sum;
}

// The mean is subtracted first: scaling it as well would lose digits if it is far from 0.
OCTAVO_MULTIVERSION void center_and_scale(const float* x, float mean, float factor, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = (x[i] - mean) * factor;
}

// The largest value, ignoring NaN.
OCTAVO_MULTIVERSION float largest(const float* x, int64_t n) {
  float best = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : best)
  for (int64_t i = 0; i < n; i++) best = x[i] > best ? x[i] : best;
  return best;
}

OCTAVO_MULTIVERSION float smallest(const float* x, int64_t n) {
  float best = std::numeric_limits<float>::infinity();
#pragma omp simd reduction(min : best)
  for (int64_t i = 0; i < n; i++) best = x[i] < best ? x[i] : best;
  return best;
}

OCTAVO_MULTIVERSION bool has_nan(const float* x, int64_t n) {
  int found = 0;
#pragma omp simd reduction(| : found)
  for (int64_t i = 0; i < n; i++) found |= x[i] != x[i];
  return found != 0;
}
}  // namespace

OCTAVO_MULTIVERSION float sum_row(const float* x, int64_t n) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; i++) sum += x[i];
  return sum;
}

float max_row(const float* x, int64_t n) {
  return has_nan(x, n) ? std::numeric_limits<float>::quiet_NaN() : largest(x, n);
}

float min_row(const float* x, int64_t n) {
  return has_nan(x, n) ? std::numeric_limits<float>::quiet_NaN() : smallest(x, n);
}

void softmax_row(const float* x, float* out, int64_t n) {
  const float sum = exponentials(x, largest(x, n), out, n);
  linear_row(out, 1 / sum, 0, out, n);
}

float masked_exponentials_row(const float* x, float* out, int64_t n) {
  const float most = largest(x, n);
  if (most != -std::numeric_limits<float>::infinity() || has_nan(x, n)) return exponentials(x, most, out, n);
  std::fill(out, out + n, 0.0f);
  return 0;
}

void masked_softmax_row(const float* x, float* out, int64_t n) {
  const float sum = masked_exponentials_row(x, out, n);
  if (sum != 0) linear_row(out, 1 / sum, 0, out, n);
}

void log_softmax_row(const float* x, float* out, int64_t n) {
  const float max = largest(x, n);
  linear_row(x, 1, -max - std::log(exponential_sum(x, max, n)), out, n);
}

void standardize_row(const float* x, float* out, int64_t n, float eps) {
  const float mean = sum_row(x, n) / static_cast<float>(n);
  const float variance = squared_deviations(x, mean, n) / static_cast<float>(n);
  center_and_scale(x, mean, 1 / std::sqrt(variance + eps), out, n);
}

void normalize_row(const float* x, float* out, int64_t n, float eps) {
  const float square = squared_deviations(x, 0, n) / static_cast<float>(n);
  center_and_scale(x, 0, 1 / std::sqrt(square + eps), out, n);
}

}  // namespace octavo::kernels
