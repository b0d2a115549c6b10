#include "kernels/tables/table_rows.h"

#include <immintrin.h>

#include <cstring>

// Written for each instruction set: what the compiler makes of the plain loop takes 2 to 4 times as long.
#define OCTAVO_AVX2 __attribute__((target("avx2,fma")))
#define OCTAVO_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl")))

namespace octavo::kernels {

namespace {
// What becomes of a row's real values.
enum class Use { write, add };

template <TableElements kElements>
float stored(const uint8_t* row, int64_t i) {
  switch (kElements) {
    case TableElements::u4:
      return static_cast<float>(i % 2 == 0 ? row[i / 2] & 15 : row[i / 2] >> 4);
    case TableElements::u8:
      return static_cast<float>(row[i]);
    case TableElements::f32:
      break;
  }
  float value;
  std::memcpy(&value, row + i * static_cast<int64_t>(sizeof value), sizeof value);
  return value;
}

template <TableElements kElements, Use kUse>
void plain_row(const uint8_t* row, float scale, float zero_point, float* out, int64_t begin, int64_t n) {
  for (int64_t i = begin; i < n; i++) {
    const float real = (stored<kElements>(row, i) - zero_point) * scale;
    out[i] = kUse == Use::add ? out[i] + real : real;
  }
}

// The halves of 8 bytes in order.
inline __m128i halves(__m128i bytes) {
  const __m128i low = _mm_set1_epi8(15);
  return _mm_unpacklo_epi8(_mm_and_si128(bytes, low), _mm_and_si128(_mm_srli_epi16(bytes, 4), low));
}

template <TableElements kElements>
OCTAVO_AVX2 inline __m256 eight(const uint8_t* row, int64_t i) {
  if constexpr (kElements == TableElements::f32) {
    return _mm256_loadu_ps(reinterpret_cast<const float*>(row) + i);
  } else if constexpr (kElements == TableElements::u4) {
    int32_t bytes;
    std::memcpy(&bytes, row + i / 2, sizeof bytes);
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(halves(_mm_cvtsi32_si128(bytes))));
  } else {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(row + i));
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
  }
}

template <TableElements kElements, Use kUse>
OCTAVO_AVX2 void avx2_row(const uint8_t* row, float scale, float zero_point, float* out, int64_t n) {
  const __m256 scales = _mm256_set1_ps(scale), zero_points = _mm256_set1_ps(zero_point);
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m256 centred = _mm256_sub_ps(eight<kElements>(row, i), zero_points);
    _mm256_storeu_ps(out + i, kUse == Use::add ? _mm256_fmadd_ps(centred, scales, _mm256_loadu_ps(out + i))
                                               : _mm256_mul_ps(centred, scales));
  }
  plain_row<kElements, kUse>(row, scale, zero_point, out, i, n);
}

// Up to 16 elements, those of the mask.
template <TableElements kElements>
OCTAVO_AVX512 inline __m512 sixteen(const uint8_t* row, int64_t i, __mmask16 mask) {
  if constexpr (kElements == TableElements::f32) {
    return _mm512_maskz_loadu_ps(mask, reinterpret_cast<const float*>(row) + i);
  } else if constexpr (kElements == TableElements::u4) {
    const int count = __builtin_popcount(mask);
    const auto bytes = static_cast<__mmask16>((1 << ((count + 1) / 2)) - 1);
    const __m128i both = halves(_mm_maskz_loadu_epi8(bytes, row + i / 2));
    return _mm512_maskz_cvtepi32_ps(mask, _mm512_cvtepu8_epi32(both));
  } else {
    const __m128i bytes = _mm_maskz_loadu_epi8(mask, row + i);
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
  }
}

template <TableElements kElements, Use kUse>
OCTAVO_AVX512 inline void use_sixteen(const uint8_t* row, __m512 scales, __m512 zero_points, float* out,
                                      int64_t i, __mmask16 mask) {
  const __m512 centred = _mm512_sub_ps(sixteen<kElements>(row, i, mask), zero_points);
  const __m512 real = kUse == Use::add
                          ? _mm512_fmadd_ps(centred, scales, _mm512_maskz_loadu_ps(mask, out + i))
                          : _mm512_mul_ps(centred, scales);
  _mm512_mask_storeu_ps(out + i, mask, real);
}

template <TableElements kElements, Use kUse>
OCTAVO_AVX512 void avx512_row(const uint8_t* row, float scale, float zero_point, float* out, int64_t n) {
  const __m512 scales = _mm512_set1_ps(scale), zero_points = _mm512_set1_ps(zero_point);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) use_sixteen<kElements, kUse>(row, scales, zero_points, out, i, 0xffff);
  if (i < n) {
    const auto rest = static_cast<__mmask16>((1 << (n - i)) - 1);
    use_sixteen<kElements, kUse>(row, scales, zero_points, out, i, rest);
  }
}

template <TableElements kElements, Use kUse>
void use_row(const void* row, float factor, float* out, int64_t n) {
  static const bool avx512 = __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  static const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const auto* elements = static_cast<const uint8_t*>(row);
  float scale = 1, zero_point = 0;
  if constexpr (kElements != TableElements::f32) {
    const uint8_t* parameters = elements + table_row_bytes(kElements, n) - kTableParameterBytes;
    std::memcpy(&scale, parameters, sizeof scale);
    std::memcpy(&zero_point, parameters + sizeof scale, sizeof zero_point);
  }
  if constexpr (kUse == Use::add) scale *= factor;
  if (avx512) return avx512_row<kElements, kUse>(elements, scale, zero_point, out, n);
  if (avx2) return avx2_row<kElements, kUse>(elements, scale, zero_point, out, n);
  plain_row<kElements, kUse>(elements, scale, zero_point, out, 0, n);
}

template <Use kUse>
void use_row(TableElements elements, const void* row, float factor, float* out, int64_t n) {
  switch (elements) {
    case TableElements::f32:
      return use_row<TableElements::f32, kUse>(row, factor, out, n);
    case TableElements::u8:
      return use_row<TableElements::u8, kUse>(row, factor, out, n);
    case TableElements::u4:
      return use_row<TableElements::u4, kUse>(row, factor, out, n);
  }
}
}  // namespace

void read_table_row(TableElements elements, const void* row, float* out, int64_t n) {
  use_row<Use::write>(elements, row, 1, out, n);
}

void add_table_row(TableElements elements, const void* row, float factor, float* out, int64_t n) {
  use_row<Use::add>(elements, row, factor, out, n);
}

}  // namespace octavo::kernels
