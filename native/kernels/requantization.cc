#include "kernels/requantization.h"

#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "kernels/multiversion.h"

// Both bodies multiply and add in two roundings, so that a result does not depend on its position in a
// row. Neither may be compiled for an instruction set with fused multiply-adds.
#define OCTAVO_AVX2 __attribute__((target("avx2")))

namespace octavo::kernels {

namespace {
constexpr int64_t kVector = 32;  // results in one store
enum class Added { nothing, u8, s8 };

float added(const ByteAddend& addend, int64_t i) {
  const float value = addend.is_signed ? static_cast<const int8_t*>(addend.values)[i]
                                       : static_cast<const uint8_t*>(addend.values)[i];
  return (value - addend.zero_point) * addend.scale;
}

template <typename T>
T requantized(int32_t integer, const Requantization& to, int64_t i) {
  float x = static_cast<float>(integer) * to.factor[i] + to.offset[i];
  if (to.addend.values) x += added(to.addend, i);
  // As the vector body does: NaN becomes the lower bound.
  x = x > to.low ? x : to.low;
  x = x < to.high ? x : to.high;
  const int32_t q = static_cast<int32_t>(std::nearbyintf(x)) + to.zero_point;
  return static_cast<T>(std::clamp<int32_t>(q, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
}

OCTAVO_AVX2 inline __m128i load_bytes(const void* bytes) {
  return _mm_loadl_epi64(static_cast<const __m128i*>(bytes));
}
// Eight integers.
OCTAVO_AVX2 inline __m256i load(const int32_t* integers) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(integers));
}
OCTAVO_AVX2 inline __m256i load(const uint8_t* integers) {
  return _mm256_cvtepu8_epi32(load_bytes(integers));
}
OCTAVO_AVX2 inline __m256i load(const int8_t* integers) { return _mm256_cvtepi8_epi32(load_bytes(integers)); }

template <Added kAdded, typename S>
OCTAVO_AVX2 inline __m256i rounded(const S* integers, const Requantization& to, int64_t i) {
  __m256 x = _mm256_cvtepi32_ps(load(integers + i));
  x = _mm256_add_ps(_mm256_mul_ps(x, _mm256_loadu_ps(to.factor + i)), _mm256_loadu_ps(to.offset + i));
  if (kAdded != Added::nothing) {
    const __m128i bytes = load_bytes(static_cast<const uint8_t*>(to.addend.values) + i);
    const __m256i wide = kAdded == Added::u8 ? _mm256_cvtepu8_epi32(bytes) : _mm256_cvtepi8_epi32(bytes);
    const __m256 real = _mm256_sub_ps(_mm256_cvtepi32_ps(wide), _mm256_set1_ps(to.addend.zero_point));
    x = _mm256_add_ps(x, _mm256_mul_ps(real, _mm256_set1_ps(to.addend.scale)));
  }
  x = _mm256_min_ps(_mm256_max_ps(x, _mm256_set1_ps(to.low)), _mm256_set1_ps(to.high));
  return _mm256_add_epi32(_mm256_cvtps_epi32(x), _mm256_set1_epi32(to.zero_point));
}

// Computes whole vectors and returns how many columns these are; requantized() computes the rest.
template <Added kAdded, typename S, typename T>
OCTAVO_AVX2 int64_t requantize_avx2(const S* integers, const Requantization& to, T* out, int64_t n) {
  // Packing works within halves of a register: this restores the order of four times eight results.
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  int64_t i = 0;
  for (; i + kVector <= n; i += kVector) {
    const __m256i a = rounded<kAdded>(integers, to, i), b = rounded<kAdded>(integers, to, i + 8);
    const __m256i c = rounded<kAdded>(integers, to, i + 16), d = rounded<kAdded>(integers, to, i + 24);
    const __m256i ab = _mm256_packs_epi32(a, b), cd = _mm256_packs_epi32(c, d);
    const __m256i packed =
        std::numeric_limits<T>::is_signed ? _mm256_packs_epi16(ab, cd) : _mm256_packus_epi16(ab, cd);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), _mm256_permutevar8x32_epi32(packed, order));
  }
  for (; i + 8 <= n; i += 8) {
    const __m256i a = rounded<kAdded>(integers, to, i);
    const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    const __m128i bytes =
        std::numeric_limits<T>::is_signed ? _mm_packs_epi16(words, words) : _mm_packus_epi16(words, words);
    _mm_storel_epi64(reinterpret_cast<__m128i*>(out + i), bytes);
  }
  return i;
}

template <typename S, typename T>
void requantize(const void* source, const Requantization& to, void* result, int64_t n) {
  static const bool avx2 = __builtin_cpu_supports("avx2");
  const auto* integers = static_cast<const S*>(source);
  auto* out = static_cast<T*>(result);
  int64_t i = 0;
  if (avx2) {
    const Added kind = !to.addend.values ? Added::nothing : to.addend.is_signed ? Added::s8 : Added::u8;
    if (kind == Added::nothing) i = requantize_avx2<Added::nothing>(integers, to, out, n);
    if (kind == Added::u8) i = requantize_avx2<Added::u8>(integers, to, out, n);
    if (kind == Added::s8) i = requantize_avx2<Added::s8>(integers, to, out, n);
  }
  for (; i < n; i++) out[i] = requantized<T>(integers[i], to, i);
}

template <typename T>
Requantize requantize_row(DType integers) {
  switch (integers) {
    case DType::s32:
      return requantize<int32_t, T>;
    case DType::u8:
      return requantize<uint8_t, T>;
    case DType::s8:
      return requantize<int8_t, T>;
    default:
      throw std::invalid_argument(std::string("cannot requantize ") + dtype_name(integers));
  }
}
}  // namespace

Requantize requantize_row(DType integers, DType result) {
  if (result == DType::u8) return requantize_row<uint8_t>(integers);
  if (result == DType::s8) return requantize_row<int8_t>(integers);
  throw std::invalid_argument(std::string("cannot requantize to ") + dtype_name(result));
}

OCTAVO_MULTIVERSION void scale_sums(const int32_t* sums, const float* factor, const float* offset, float* out,
                                    int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = static_cast<float>(sums[i]) * factor[i] + offset[i];
}

OCTAVO_MULTIVERSION void add_scaled_rows(const float* a, const float* b, float scale, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = a[i] + b[i] * scale;
}

}  // namespace octavo::kernels
