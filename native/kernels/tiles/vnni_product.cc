#include "kernels/tiles/vnni_product.h"

#include <array>
#include <cstring>

#include "kernels/avx512/instruction_set.h"
#include "kernels/multiversion.h"

namespace octavo::kernels {

namespace {
// The sums of so many rows and two tiles of columns fill the registers: the more rows, the fewer times are
// the columns read again.
constexpr int kMostRows = static_cast<int>(kRowsOfVnni);
constexpr int64_t kCacheLine = 64;

// Sums are numbered row by row.
template <int kColumns, int... kSums>
OCTAVO_VNNI_INLINE void load(Numbers<kSums...>, const int32_t* initial, __m512i* sums) {
  ((sums[kSums] = _mm512_loadu_si512(initial + kSums % kColumns * kTileSide)), ...);
}

template <int kColumns, int... kSums>
OCTAVO_VNNI_INLINE void store(Numbers<kSums...>, const __m512i* sums, int32_t* to, int64_t step) {
  (_mm512_storeu_si512(to + kSums / kColumns * step + kSums % kColumns * kTileSide, sums[kSums]), ...);
}

template <bool kSigned>
OCTAVO_VNNI_INLINE __m512i broadcast_quad(const uint8_t* bytes) {
  int32_t quad;
  std::memcpy(&quad, bytes, sizeof(quad));
  const __m512i row = _mm512_set1_epi32(quad);
  return kSigned ? _mm512_xor_si512(row, _mm512_set1_epi32(static_cast<int32_t>(0x80808080))) : row;
}

template <bool kSigned, int kColumns>
OCTAVO_VNNI_INLINE void add_row(const uint8_t* quad, const __m512i* columns, __m512i* sums) {
  const __m512i row = broadcast_quad<kSigned>(quad);
  sums[0] = _mm512_dpbusd_epi32(sums[0], row, columns[0]);
  if constexpr (kColumns == 2) sums[1] = _mm512_dpbusd_epi32(sums[1], row, columns[1]);
}

template <bool kSigned, int kColumns, int... kRows>
OCTAVO_VNNI_INLINE void add_rows(Numbers<kRows...>, const uint8_t* quads, int64_t row_bytes,
                                 const __m512i* columns, __m512i* sums) {
  (add_row<kSigned, kColumns>(quads + kRows * row_bytes, columns, sums + kRows * kColumns), ...);
}

template <bool kSigned, int kColumns, int kRows>
OCTAVO_VNNI void multiply(const TileSteps& steps, const int8_t* weights, const int32_t* initial,
                          int32_t* to) {
  __m512i sums[kRows * kColumns];
  load<kColumns>(Count<kRows * kColumns>(), initial, sums);
  const int64_t tile = steps.weight_bytes, row_bytes = steps.row_bytes;
  const int8_t* ahead = steps.ahead;
  for (int64_t s = 0; s < steps.count; s++, weights += kColumns * tile) {
    const uint8_t* quads = steps.rows + steps.offsets[s];
    for (int64_t at = 0; at < steps.ahead_bytes; at += kCacheLine, ahead += kCacheLine)
      _mm_prefetch(ahead, _MM_HINT_T1);
    // A quad of each of a tile's columns is a vector.
    for (int64_t at = 0; at < tile; at += kTileBytes, quads += kQuad) {
      const __m512i columns[2] = {_mm512_loadu_si512(weights + at),
                                  _mm512_loadu_si512(weights + at + (kColumns - 1) * tile)};
      add_rows<kSigned, kColumns>(Count<kRows>(), quads, row_bytes, columns, sums);
    }
  }
  store<kColumns>(Count<kRows * kColumns>(), sums, to, steps.sums_step);
}

using Multiply = void (*)(const TileSteps&, const int8_t*, const int32_t*, int32_t*);

template <bool kSigned, int kColumns, int... kBefore>
constexpr std::array<Multiply, kMostRows> multiplies(Numbers<kBefore...>) {
  return {multiply<kSigned, kColumns, kBefore + 1>...};
}

// By number of rows.
template <bool kSigned, int kColumns>
constexpr auto kMultiplies = multiplies<kSigned, kColumns>(Count<kMostRows>());
}  // namespace

void multiply_rows(bool is_signed, const TileSteps& steps, int64_t rows, int64_t column_tiles,
                   const int8_t* weights, const int32_t* initial, int32_t* sums) {
  const auto& one = is_signed ? kMultiplies<true, 1> : kMultiplies<false, 1>;
  const auto& two = is_signed ? kMultiplies<true, 2> : kMultiplies<false, 2>;
  const auto& by_rows = column_tiles == 2 ? two : one;
  const int64_t passes = (rows + kMostRows - 1) / kMostRows;
  TileSteps part = steps;
  for (int64_t pass = 0; pass < passes; pass++) {
    const int64_t first = rows * pass / passes, count = rows * (pass + 1) / passes - first;
    part.rows = steps.rows + first * steps.row_bytes;
    by_rows[static_cast<size_t>(count - 1)](part, weights, initial, sums + first * steps.sums_step);
    part.ahead_bytes = 0;
  }
}

}  // namespace octavo::kernels
