#include "kernels/vnni/attention_weights.h"

#include <limits>

#include "kernels/avx512/functions.h"

namespace octavo::kernels {

namespace {
constexpr int64_t kLanes = 16;
constexpr __mmask16 kAll = 0xffff;

// The lanes of the last vector of n elements, if it is not a whole one.
OCTAVO_VNNI_INLINE __mmask16 lanes_left(int64_t n) { return static_cast<__mmask16>((1 << (n % kLanes)) - 1); }

OCTAVO_VNNI __m512i largest(const int32_t* scores, int64_t n) {
  __m512i most = _mm512_set1_epi32(std::numeric_limits<int32_t>::min());
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) most = _mm512_max_epi32(most, _mm512_loadu_si512(scores + i));
  const __mmask16 left = lanes_left(n);
  most = _mm512_mask_max_epi32(most, left, most, _mm512_maskz_loadu_epi32(left, scores + i));
  return _mm512_set1_epi32(_mm512_reduce_max_epi32(most));
}

OCTAVO_VNNI_INLINE __m512 centred(const int32_t* scores, __mmask16 there, __m512i most, __m512 factor) {
  const __m512i difference = _mm512_sub_epi32(_mm512_maskz_loadu_epi32(there, scores), most);
  return _mm512_mul_ps(_mm512_cvtepi32_ps(difference), factor);
}

// Writes the exponentials of a vector, and returns them added to `sum`.
OCTAVO_VNNI_INLINE __m512 exponentials(const int32_t* scores, __mmask16 there, __m512i most, __m512 factor,
                                       __m512 sum, float* out) {
  const __m512 power = power_of_two_below(centred(scores, there, most, factor));
  _mm512_mask_storeu_ps(out, there, power);
  return _mm512_mask_add_ps(sum, there, sum, power);
}

// Writes the weights of a vector, and returns them added to `sum`.
OCTAVO_VNNI_INLINE __m512i quantized(const float* exponentials, __mmask16 there, __m512 factor,
                                     __m512i zero_point, __m512i sum, uint8_t* weights) {
  const __m512 weight = _mm512_mul_ps(_mm512_maskz_loadu_ps(there, exponentials), factor);
  const __m512i shifted = _mm512_add_epi32(_mm512_cvtps_epi32(weight), zero_point);
  const __m512i byte = _mm512_min_epi32(shifted, _mm512_set1_epi32(255));
  _mm512_mask_cvtepi32_storeu_epi8(weights, there, byte);
  return _mm512_mask_add_epi32(sum, there, sum, byte);
}
}  // namespace

OCTAVO_VNNI void centre_scores(const int32_t* scores, int64_t n, float factor, float* out) {
  const __m512i most = largest(scores, n);
  const __m512 factors = _mm512_set1_ps(factor);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) _mm512_storeu_ps(out + i, centred(scores + i, kAll, most, factors));
  const __mmask16 left = lanes_left(n);
  _mm512_mask_storeu_ps(out + i, left, centred(scores + i, left, most, factors));
}

OCTAVO_VNNI float exponentials_of_scores(const int32_t* scores, int64_t n, float factor, float* out) {
  const __m512i most = largest(scores, n);
  const __m512 factors = _mm512_set1_ps(factor * 1.44269504f);
  __m512 sum = _mm512_setzero_ps();
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) sum = exponentials(scores + i, kAll, most, factors, sum, out + i);
  sum = exponentials(scores + i, lanes_left(n), most, factors, sum, out + i);
  return _mm512_reduce_add_ps(sum);
}

OCTAVO_VNNI int32_t quantize_weights(const float* exponentials, int64_t n, float factor, int32_t zero_point,
                                     uint8_t* weights) {
  const __m512 factors = _mm512_set1_ps(factor);
  const __m512i zero_points = _mm512_set1_epi32(zero_point);
  __m512i sum = _mm512_setzero_si512();
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    sum = quantized(exponentials + i, kAll, factors, zero_points, sum, weights + i);
  sum = quantized(exponentials + i, lanes_left(n), factors, zero_points, sum, weights + i);
  return _mm512_reduce_add_epi32(sum);
}

OCTAVO_VNNI void scale_sums(const int32_t* sums, int64_t n, int32_t shift, float scale, float* out) {
  const __m512i shifts = _mm512_set1_epi32(shift);
  const __m512 scales = _mm512_set1_ps(scale);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) _mm512_storeu_ps(out + i, centred(sums + i, kAll, shifts, scales));
  const __mmask16 left = lanes_left(n);
  _mm512_mask_storeu_ps(out + i, left, centred(sums + i, left, shifts, scales));
}

}  // namespace octavo::kernels
