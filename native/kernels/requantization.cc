#include "kernels/requantization.h"

#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>

// All bodies multiply and add in two roundings, so that a result depends neither on its position in a row nor
// on the CPU: CMakeLists.txt forbids the compiler fused multiply-adds in this file.
#define OCTAVO_AVX2 __attribute__((target("avx2")))
#define OCTAVO_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl")))

namespace octavo::kernels {

namespace {
enum class Added { nothing, u8, s8 };

float added(const ByteAddend& addend, int64_t i) {
  const float value = addend.is_signed ? static_cast<const int8_t*>(addend.values)[i]
                                       : static_cast<const uint8_t*>(addend.values)[i];
  return (value - addend.zero_point) * addend.scale;
}

template <typename T>
T rounded_byte(float x, const Requantization& to) {
  const int32_t q = static_cast<int32_t>(std::nearbyintf(x)) + to.zero_point;
  return static_cast<T>(std::clamp<int32_t>(q, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
}

template <typename T>
T requantized(int32_t integer, const Requantization& to, int64_t i) {
  float x = static_cast<float>(integer) * to.factor[i] + to.offset[i];
  if (to.addend.values) x += added(to.addend, i);
  // As the vector body does: NaN becomes the lower bound.
  x = x > to.low ? x : to.low;
  x = x < to.high ? x : to.high;
  return rounded_byte<T>(x, to);
}

template <Added kAdded, typename S, typename T>
void next_row(const RowsOfBytes& rows, const S*& integers, Requantization& to, T*& out) {
  integers += rows.integers_step;
  out += rows.out_step;
  if (kAdded != Added::nothing) to.addend.values = static_cast<const char*>(to.addend.values) + rows.out_step;
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
  constexpr int64_t kVector = 32;  // results in one store
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

// Up to 16 integers, and zeros.
OCTAVO_AVX512 inline __m512i load(const int32_t* integers, __mmask16 lanes) {
  return _mm512_maskz_loadu_epi32(lanes, integers);
}
OCTAVO_AVX512 inline __m512i load(const uint8_t* integers, __mmask16 lanes) {
  return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(lanes, integers));
}
OCTAVO_AVX512 inline __m512i load(const int8_t* integers, __mmask16 lanes) {
  return _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(lanes, integers));
}

// Neither clamped from below nor shifted by the zero point, which takes fewer instructions when packed. What
// is below every integer, or not a number, is the least one.
template <Added kAdded, typename S>
OCTAVO_AVX512 inline __m512i rounded(const S* integers, const Requantization& to, int64_t i,
                                     __mmask16 lanes) {
  __m512 x = _mm512_cvtepi32_ps(load(integers + i, lanes));
  x = _mm512_add_ps(_mm512_mul_ps(x, _mm512_maskz_loadu_ps(lanes, to.factor + i)),
                    _mm512_maskz_loadu_ps(lanes, to.offset + i));
  if (kAdded != Added::nothing) {
    using Byte = std::conditional_t<kAdded == Added::s8, int8_t, uint8_t>;
    const __m512i wide = load(static_cast<const Byte*>(to.addend.values) + i, lanes);
    const __m512 real = _mm512_sub_ps(_mm512_cvtepi32_ps(wide), _mm512_set1_ps(to.addend.zero_point));
    x = _mm512_add_ps(x, _mm512_mul_ps(real, _mm512_set1_ps(to.addend.scale)));
  }
  // The minimum is x where that is not a number.
  return _mm512_cvtps_epi32(_mm512_min_ps(_mm512_set1_ps(to.high), x));
}

// Saturation and rounding keep the order of numbers: bounds may be applied to bytes.
template <typename T>
struct ByteBounds {
  explicit ByteBounds(const Requantization& to)
      : low(rounded_byte<T>(to.low, to)), high(rounded_byte<T>(to.high, to)) {}
  OCTAVO_AVX512 __m512i clamp(__m512i bytes) const {
    const __m512i least = _mm512_set1_epi8(static_cast<char>(low));
    const __m512i most = _mm512_set1_epi8(static_cast<char>(high));
    return std::numeric_limits<T>::is_signed ? _mm512_min_epi8(_mm512_max_epi8(bytes, least), most)
                                             : _mm512_min_epu8(_mm512_max_epu8(bytes, least), most);
  }
  T low, high;
};

template <Added kAdded, typename S, typename T>
OCTAVO_AVX512 void requantize_avx512(const S* integers, Requantization to, T* out, const RowsOfBytes& rows) {
  constexpr int64_t kLanes = 16, kHalf = 2 * kLanes, kVector = 4 * kLanes;
  // So many rows ahead, integers are on their way to the cache. Gaps between rows stop the CPU's own
  // prefetching.
  constexpr int64_t kAhead = 8;
  constexpr __mmask16 kAll = 0xffff;
  // Packing works within quarters of a register: this restores the order of four times 16 results.
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const __m512i zero_point = _mm512_set1_epi16(static_cast<int16_t>(to.zero_point));
  const ByteBounds<T> bounds(to);
  const auto packed = [&](__m512i a, __m512i b, __m512i c, __m512i d) OCTAVO_AVX512 {
    const __m512i ab = _mm512_adds_epi16(_mm512_packs_epi32(a, b), zero_point);
    const __m512i cd = _mm512_adds_epi16(_mm512_packs_epi32(c, d), zero_point);
    const __m512i bytes =
        std::numeric_limits<T>::is_signed ? _mm512_packs_epi16(ab, cd) : _mm512_packus_epi16(ab, cd);
    return _mm512_permutexvar_epi32(order, bounds.clamp(bytes));
  };
  const int64_t n = rows.length;
  for (int64_t row = 0; row < rows.count; row++) {
    int64_t i = 0;
    for (; i + kVector <= n; i += kVector) {
      _mm_prefetch(integers + kAhead * rows.integers_step + i, _MM_HINT_T0);
      _mm512_storeu_si512(
          out + i,
          packed(rounded<kAdded>(integers, to, i, kAll), rounded<kAdded>(integers, to, i + 16, kAll),
                 rounded<kAdded>(integers, to, i + 32, kAll), rounded<kAdded>(integers, to, i + 48, kAll)));
    }
    for (; i < n; i += kHalf) {
      const int64_t left = std::min(n - i, kHalf);
      const uint32_t lanes = ~uint32_t{0} >> (kHalf - left);
      const __m512i a = rounded<kAdded>(integers, to, i, static_cast<__mmask16>(lanes));
      const __m512i b = rounded<kAdded>(integers, to, i + kLanes, static_cast<__mmask16>(lanes >> kLanes));
      _mm512_mask_storeu_epi8(out + i, lanes, packed(a, b, a, b));
    }
    next_row<kAdded>(rows, integers, to, out);
  }
}

template <Added kAdded, typename S, typename T>
void requantize(const S* integers, Requantization to, T* out, const RowsOfBytes& rows) {
  static const bool avx512 = __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  static const bool avx2 = __builtin_cpu_supports("avx2");
  if (avx512) return requantize_avx512<kAdded>(integers, to, out, rows);
  for (int64_t row = 0; row < rows.count; row++) {
    int64_t i = avx2 ? requantize_avx2<kAdded>(integers, to, out, rows.length) : 0;
    for (; i < rows.length; i++) out[i] = requantized<T>(integers[i], to, i);
    next_row<kAdded>(rows, integers, to, out);
  }
}

template <typename S, typename T>
void requantize(const void* source, const Requantization& to, void* result, const RowsOfBytes& rows) {
  const auto* integers = static_cast<const S*>(source);
  auto* out = static_cast<T*>(result);
  if (!to.addend.values) return requantize<Added::nothing>(integers, to, out, rows);
  if (to.addend.is_signed) return requantize<Added::s8>(integers, to, out, rows);
  requantize<Added::u8>(integers, to, out, rows);
}

template <typename T>
Requantize requantize_rows(DType integers) {
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

Requantize requantize_rows(DType integers, DType result) {
  if (result == DType::u8) return requantize_rows<uint8_t>(integers);
  if (result == DType::s8) return requantize_rows<int8_t>(integers);
  throw std::invalid_argument(std::string("cannot requantize to ") + dtype_name(result));
}

}  // namespace octavo::kernels
