#include "kernels/integer_product.h"

#include <immintrin.h>

#include <algorithm>
#include <cstring>

#include "kernels/multiversion.h"

namespace octavo::kernels {

namespace {
// Two elements of a row, in each of eight lanes.
__attribute__((target("avx2"))) inline __m256i broadcast_pair(const int16_t* pair) {
  int32_t both;
  std::memcpy(&both, pair, sizeof both);
  return _mm256_set1_epi32(both);
}

template <int kRows>
__attribute__((target("avx2"))) void multiply_avx2(const ProductRuns& runs, const int16_t* const* rows,
                                                   const int8_t* block, int32_t* sums, int64_t sums_step) {
  __m256i low[kRows], high[kRows];
  // Unrolled, so that all loops over rows keep the sums in registers.
#pragma GCC unroll 6
  for (int r = 0; r < kRows; r++) low[r] = high[r] = _mm256_setzero_si256();
  const int64_t pairs = runs.pairs();
  for (const int64_t offset : runs.offsets) {
    const int16_t* row[kRows];
#pragma GCC unroll 6
    for (int r = 0; r < kRows; r++) row[r] = rows[r] + offset;
    for (int64_t p = 0; p < pairs; p++, block += 2 * kProductColumns) {
      const auto* weights = reinterpret_cast<const __m128i*>(block);
      const __m256i w_low = _mm256_cvtepi8_epi16(_mm_loadu_si128(weights));
      const __m256i w_high = _mm256_cvtepi8_epi16(_mm_loadu_si128(weights + 1));
#pragma GCC unroll 6
      for (int r = 0; r < kRows; r++) {
        const __m256i x = broadcast_pair(row[r] + 2 * p);
        low[r] = _mm256_add_epi32(low[r], _mm256_madd_epi16(x, w_low));
        high[r] = _mm256_add_epi32(high[r], _mm256_madd_epi16(x, w_high));
      }
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < kRows; r++) {
    auto* target = reinterpret_cast<__m256i*>(sums + r * sums_step);
    _mm256_storeu_si256(target, low[r]);
    _mm256_storeu_si256(target + 1, high[r]);
  }
}

void multiply_scalar(const ProductRuns& runs, const int16_t* const* rows, int64_t count, const int8_t* block,
                     int32_t* sums, int64_t sums_step) {
  for (int64_t r = 0; r < count; r++) {
    int32_t row_sums[kProductColumns] = {};
    const int8_t* weights = block;
    for (const int64_t offset : runs.offsets)
      for (int64_t p = 0; p < runs.pairs(); p++, weights += 2 * kProductColumns) {
        const int32_t first = rows[r][offset + 2 * p], second = rows[r][offset + 2 * p + 1];
        for (int64_t c = 0; c < kProductColumns; c++)
          row_sums[c] += first * weights[2 * c] + second * weights[2 * c + 1];
      }
    std::copy_n(row_sums, kProductColumns, sums + r * sums_step);
  }
}

using MultiplyAvx2 = void (*)(const ProductRuns&, const int16_t* const*, const int8_t*, int32_t*, int64_t);
constexpr MultiplyAvx2 kMultiplyAvx2[kProductRows] = {multiply_avx2<1>, multiply_avx2<2>, multiply_avx2<3>,
                                                      multiply_avx2<4>, multiply_avx2<5>, multiply_avx2<6>};

bool has_avx2() {
  static const bool has = __builtin_cpu_supports("avx2");
  return has;
}

template <typename T>
OCTAVO_INLINE void widen(const T* __restrict src, int16_t zero_point, int16_t* __restrict dst, int64_t n) {
  for (int64_t i = 0; i < n; i++) dst[i] = static_cast<int16_t>(src[i] - zero_point);
}

OCTAVO_MULTIVERSION void widen_u8(const uint8_t* src, int16_t zero_point, int16_t* dst, int64_t n) {
  widen(src, zero_point, dst, n);
}
OCTAVO_MULTIVERSION void widen_s8(const int8_t* src, int16_t zero_point, int16_t* dst, int64_t n) {
  widen(src, zero_point, dst, n);
}
}  // namespace

int64_t packed_bytes(const ProductRuns& runs, int64_t columns) {
  return (columns + kProductColumns - 1) / kProductColumns * kProductColumns * runs.terms();
}

void pack_columns(const ProductRuns& runs, const int8_t* weights, int64_t columns, int8_t* packed) {
  const auto count = static_cast<int64_t>(runs.offsets.size());
  for (int64_t first = 0; first < columns; first += kProductColumns)
    for (int64_t run = 0; run < count; run++)
      for (int64_t i = 0; i < 2 * runs.pairs(); i += 2)
        for (int64_t c = first; c < first + kProductColumns; c++)
          for (int64_t k = i; k < i + 2; k++)
            *packed++ = c < columns && k < runs.length ? weights[(c * count + run) * runs.length + k] : 0;
}

void multiply_block(const ProductRuns& runs, const int16_t* const* rows, int64_t count, const int8_t* block,
                    int32_t* sums, int64_t sums_step) {
  if (has_avx2()) return kMultiplyAvx2[count - 1](runs, rows, block, sums, sums_step);
  multiply_scalar(runs, rows, count, block, sums, sums_step);
}

void widen_row(const uint8_t* src, int16_t zero_point, int16_t* dst, int64_t n) {
  widen_u8(src, zero_point, dst, n);
}
void widen_row(const int8_t* src, int16_t zero_point, int16_t* dst, int64_t n) {
  widen_s8(src, zero_point, dst, n);
}

const char* product_isa() { return has_avx2() ? "avx2" : "scalar"; }

}  // namespace octavo::kernels
