// Sums of products of bytes are exact under every instruction set: rows hold at most 127, so that the two
// products which AVX2 adds in 16 bits never exceed 127 * 128 * 2 = 32512.
#include <cstring>

#include "kernels/avx512/instruction_set.h"
#include "kernels/recurrence/tiles.h"

namespace octavo::kernels {

namespace {
// With more, GCC 12 does not keep the sums in registers: 250 in place of 450 billion products a second (Zen
// 5).
constexpr int64_t kTileRows = 4;

struct Tile {
  const uint8_t* const* rows;
  const int8_t* panels;
  const int32_t* column_sums;
  int64_t terms;
  ByteScale scale;
  float* sums;
  int64_t sums_step;
};

inline int32_t group_at(const uint8_t* row, int64_t k) {
  int32_t group;
  std::memcpy(&group, row + k, sizeof group);
  return group;
}

// A single row adds every other group apart: its sums alone are too few to keep the multipliers busy.
template <int kRows, int kPanels>
OCTAVO_VNNI_INLINE void multiply_tile_vnni(const Tile& tile) {
  constexpr int kChains = kRows == 1 ? 2 : 1;
  const int64_t panel_step = tile.terms * kPanelColumns;
  __m512i sum[kChains][kRows][kPanels];
#pragma GCC unroll 2
  for (int chain = 0; chain < kChains; chain++)
#pragma GCC unroll 8
    for (int r = 0; r < kRows; r++)
#pragma GCC unroll 4
      for (int p = 0; p < kPanels; p++) sum[chain][r][p] = _mm512_setzero_si512();
  const uint8_t* rows[kRows];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; r++) rows[r] = tile.rows[r];
  int64_t k = 0;
  for (; k + kChains * kByteGroup <= tile.terms; k += kChains * kByteGroup)
#pragma GCC unroll 2
    for (int chain = 0; chain < kChains; chain++) {
      const int64_t at = k + chain * kByteGroup;
      __m512i weights[kPanels];
#pragma GCC unroll 4
      for (int p = 0; p < kPanels; p++)
        weights[p] = _mm512_loadu_si512(tile.panels + p * panel_step + at * kPanelColumns);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; r++) {
        const __m512i x = _mm512_set1_epi32(group_at(rows[r], at));
#pragma GCC unroll 4
        for (int p = 0; p < kPanels; p++)
          sum[chain][r][p] = _mm512_dpbusd_epi32(sum[chain][r][p], x, weights[p]);
      }
    }
  // The last of an odd number of groups, of a single row.
  for (; k < tile.terms; k += kByteGroup)
#pragma GCC unroll 4
    for (int p = 0; p < kPanels; p++)
      sum[0][0][p] =
          _mm512_dpbusd_epi32(sum[0][0][p], _mm512_set1_epi32(group_at(rows[0], k)),
                              _mm512_loadu_si512(tile.panels + p * panel_step + k * kPanelColumns));
  const __m512 scale = _mm512_set1_ps(tile.scale.scale);
  const __m512i zero_point = _mm512_set1_epi32(tile.scale.zero_point);
#pragma GCC unroll 4
  for (int p = 0; p < kPanels; p++) {
    const __m512i shift =
        _mm512_mullo_epi32(zero_point, _mm512_loadu_si512(tile.column_sums + p * kPanelColumns));
#pragma GCC unroll 8
    for (int r = 0; r < kRows; r++) {
      __m512i total = sum[0][r][p];
      if (kChains == 2) total = _mm512_add_epi32(total, sum[kChains - 1][r][p]);
      const __m512 real = _mm512_cvtepi32_ps(_mm512_sub_epi32(total, shift));
      _mm512_storeu_ps(tile.sums + r * tile.sums_step + p * kPanelColumns, _mm512_mul_ps(real, scale));
    }
  }
}

template <int kPanels>
OCTAVO_VNNI_INLINE void multiply_rows_vnni(int64_t rows, const Tile& tile) {
  switch (rows) {
    case 1:
      return multiply_tile_vnni<1, kPanels>(tile);
    case 2:
      return multiply_tile_vnni<2, kPanels>(tile);
    case 3:
      return multiply_tile_vnni<3, kPanels>(tile);
    default:
      return multiply_tile_vnni<4, kPanels>(tile);
  }
}

OCTAVO_VNNI void multiply_vnni(int64_t rows, int64_t panels, const Tile& tile) {
  switch (panels) {
    case 1:
      return multiply_rows_vnni<1>(rows, tile);
    case 2:
      return multiply_rows_vnni<2>(rows, tile);
    case 3:
      return multiply_rows_vnni<3>(rows, tile);
    default:
      return multiply_rows_vnni<4>(rows, tile);
  }
}

template <int kRows>
__attribute__((target("avx2"))) void multiply_tile_avx2(const Tile& tile) {
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i sum[kRows][2];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; r++) sum[r][0] = sum[r][1] = _mm256_setzero_si256();
  for (int64_t k = 0; k < tile.terms; k += kByteGroup) {
    const auto* from = reinterpret_cast<const __m256i*>(tile.panels + k * kPanelColumns);
    const __m256i low = _mm256_loadu_si256(from), high = _mm256_loadu_si256(from + 1);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; r++) {
      const __m256i x = _mm256_set1_epi32(group_at(tile.rows[r], k));
      sum[r][0] = _mm256_add_epi32(sum[r][0], _mm256_madd_epi16(_mm256_maddubs_epi16(x, low), ones));
      sum[r][1] = _mm256_add_epi32(sum[r][1], _mm256_madd_epi16(_mm256_maddubs_epi16(x, high), ones));
    }
  }
  const __m256 scale = _mm256_set1_ps(tile.scale.scale);
  const __m256i zero_point = _mm256_set1_epi32(tile.scale.zero_point);
#pragma GCC unroll 8
  for (int r = 0; r < kRows; r++)
#pragma GCC unroll 2
    for (int half = 0; half < 2; half++) {
      const __m256i columns = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(tile.column_sums) + half);
      const __m256i exact = _mm256_sub_epi32(sum[r][half], _mm256_mullo_epi32(zero_point, columns));
      _mm256_storeu_ps(tile.sums + r * tile.sums_step + half * 8,
                       _mm256_mul_ps(_mm256_cvtepi32_ps(exact), scale));
    }
}

using MultiplyAvx2 = void (*)(const Tile&);
constexpr MultiplyAvx2 kMultiplyAvx2[kTileRows] = {multiply_tile_avx2<1>, multiply_tile_avx2<2>,
                                                   multiply_tile_avx2<3>, multiply_tile_avx2<4>};

void multiply_scalar(int64_t rows, const Tile& tile) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < kPanelColumns; c++) {
      int32_t sum = 0;
      for (int64_t k = 0; k < tile.terms; k++)
        sum +=
            tile.rows[r][k] * tile.panels[(k / kByteGroup * kPanelColumns + c) * kByteGroup + k % kByteGroup];
      const int32_t exact = sum - tile.scale.zero_point * tile.column_sums[c];
      tile.sums[r * tile.sums_step + c] = static_cast<float>(exact) * tile.scale.scale;
    }
}
}  // namespace

void multiply_panels(PanelIsa isa, const uint8_t* const* rows, int64_t row_count, int64_t terms,
                     const int8_t* panels, const int32_t* column_sums, const ByteScale& scale,
                     int64_t panel_count, float* sums, int64_t sums_step) {
  const auto tile_at = [&](int64_t row, int64_t panel) {
    return Tile{rows + row,
                panels + panel * terms * kPanelColumns,
                column_sums + panel * kPanelColumns,
                terms,
                scale,
                sums + row * sums_step + panel * kPanelColumns,
                sums_step};
  };
  if (isa == PanelIsa::avx512_vnni)
    each_tile<kTileRows, 4>(row_count, panel_count,
                            [&](int64_t row, int64_t count, int64_t panel, int64_t together) {
                              multiply_vnni(count, together, tile_at(row, panel));
                            });
  else
    each_tile<kTileRows, 1>(row_count, panel_count, [&](int64_t row, int64_t count, int64_t panel, int64_t) {
      const Tile tile = tile_at(row, panel);
      isa == PanelIsa::baseline ? multiply_scalar(count, tile) : kMultiplyAvx2[count - 1](tile);
    });
}

}  // namespace octavo::kernels
