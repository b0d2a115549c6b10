#include <algorithm>
#include <cstring>

#include "kernels/multiversion.h"
#include "kernels/recurrence/tiles.h"

namespace octavo::kernels {

namespace {
// Vectors as wide as a register of each instruction set.
typedef float Four __attribute__((vector_size(16)));
typedef float Eight __attribute__((vector_size(32)));
typedef float Sixteen __attribute__((vector_size(64)));

// As many integers of 32 bits.
template <class Vector>
struct Bits {
  typedef uint32_t Type __attribute__((vector_size(sizeof(Vector))));
};

// Adjacent terms of a packed weight.
template <class Weight>
constexpr int kGroup = 1;
template <>
constexpr int kGroup<Bfloat16> = kHalfGroup;

// A group of terms for as many columns as a register has lanes.
template <class Vector>
OCTAVO_INLINE void load(const float* from, Vector (&terms)[1]) {
  std::memcpy(&terms[0], from, sizeof terms[0]);
}
// A bfloat16 number's bits are the upper ones of the float32 number.
template <class Vector>
OCTAVO_INLINE void load(const Bfloat16* from, Vector (&terms)[kHalfGroup]) {
  typename Bits<Vector>::Type pairs;
  std::memcpy(&pairs, from, sizeof pairs);
  const auto first = pairs << 16, second = pairs & 0xffff0000u;
  std::memcpy(&terms[0], &first, sizeof terms[0]);
  std::memcpy(&terms[1], &second, sizeof terms[1]);
}

template <class Weight>
struct Tile {
  const float* const* rows;
  const Weight* panels;
  int64_t terms;
  float* sums;
  int64_t sums_step;
};

// The sums of one tile. A single row adds every other term apart: its sums alone are too few to keep the
// multipliers busy.
template <class Vector, int kRows, int kPanels, class Weight>
OCTAVO_INLINE void multiply_tile(const Tile<Weight>& tile) {
  constexpr int kLanes = sizeof(Vector) / sizeof(float), kVectors = kPanelColumns / kLanes;
  constexpr int kWidth = kPanels * kVectors, kChains = kRows == 1 ? 2 : 1;
  constexpr int kTerms = kGroup<Weight>, kStep = std::max(kTerms, kChains);
  const int64_t panel_step = (tile.terms + kTerms - 1) / kTerms * kTerms * kPanelColumns;
  Vector sum[kChains][kRows][kWidth] = {};
  const float* rows[kRows];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; r++) rows[r] = tile.rows[r];
  // Adds `count` terms of the group that begins with term k.
  const auto add = [&](int64_t k, int chain, int count) __attribute__((always_inline)) {
#pragma GCC unroll 16
    for (int v = 0; v < kWidth; v++) {
      Vector weights[kTerms];
      load(tile.panels + v / kVectors * panel_step + k * kPanelColumns + v % kVectors * kLanes * kTerms,
           weights);
#pragma GCC unroll 2
      for (int t = 0; t < count; t++)
#pragma GCC unroll 8
        for (int r = 0; r < kRows; r++) sum[(chain + t) % kChains][r][v] += rows[r][k + t] * weights[t];
    }
  };
  int64_t k = 0;
  for (; k + kStep <= tile.terms; k += kStep)
#pragma GCC unroll 2
    for (int t = 0; t < kStep; t += kTerms) add(k + t, t % kChains, kTerms);
  if (k < tile.terms) add(k, 0, 1);
#pragma GCC unroll 8
  for (int r = 0; r < kRows; r++)
#pragma GCC unroll 16
    for (int v = 0; v < kWidth; v++) {
      Vector total = sum[0][r][v];
      if (kChains == 2) total += sum[kChains - 1][r][v];
      std::memcpy(tile.sums + r * tile.sums_step + v * kLanes, &total, sizeof total);
    }
}

template <class Vector, int kPanels, class Weight>
OCTAVO_INLINE void multiply_rows(int64_t rows, const Tile<Weight>& tile) {
  switch (rows) {
    case 1:
      return multiply_tile<Vector, 1, kPanels>(tile);
    case 2:
      return multiply_tile<Vector, 2, kPanels>(tile);
    case 3:
      return multiply_tile<Vector, 3, kPanels>(tile);
    case 4:
      return multiply_tile<Vector, 4, kPanels>(tile);
    case 5:
      return multiply_tile<Vector, 5, kPanels>(tile);
    default:
      return multiply_tile<Vector, 6, kPanels>(tile);
  }
}

template <class Weight>
__attribute__((target("arch=x86-64-v4"))) void multiply_avx512(int64_t rows, int64_t panels,
                                                               const Tile<Weight>& tile) {
  switch (panels) {
    case 1:
      return multiply_rows<Sixteen, 1>(rows, tile);
    case 2:
      return multiply_rows<Sixteen, 2>(rows, tile);
    case 3:
      return multiply_rows<Sixteen, 3>(rows, tile);
    default:
      return multiply_rows<Sixteen, 4>(rows, tile);
  }
}

// Sixteen registers hold the sums of one panel and four rows; with six GCC 12 keeps some sums in memory.
template <class Weight>
__attribute__((target("arch=x86-64-v3"))) void multiply_avx2(int64_t rows, const Tile<Weight>& tile) {
  multiply_rows<Eight, 1>(rows, tile);
}

template <class Weight>
void multiply_baseline(int64_t rows, const Tile<Weight>& tile) {
  multiply_rows<Four, 1>(rows, tile);
}

template <class Weight>
void multiply(PanelIsa isa, const float* const* rows, int64_t row_count, int64_t terms, const Weight* panels,
              int64_t panel_count, float* sums, int64_t sums_step) {
  const int64_t grouped = GateRows{1, 1, terms}.grouped(kGroup<Weight>);
  const auto tile_at = [&](int64_t row, int64_t panel) {
    return Tile<Weight>{rows + row, panels + panel * grouped * kPanelColumns, terms,
                        sums + row * sums_step + panel * kPanelColumns, sums_step};
  };
  if (isa >= PanelIsa::avx512)
    each_tile<6, 4>(row_count, panel_count, [&](int64_t row, int64_t count, int64_t panel, int64_t together) {
      multiply_avx512(count, together, tile_at(row, panel));
    });
  else
    each_tile<4, 1>(row_count, panel_count, [&](int64_t row, int64_t count, int64_t panel, int64_t) {
      const auto tile = tile_at(row, panel);
      isa == PanelIsa::avx2 ? multiply_avx2(count, tile) : multiply_baseline(count, tile);
    });
}
}  // namespace

void multiply_panels(PanelIsa isa, const float* const* rows, int64_t row_count, int64_t terms,
                     const float* panels, int64_t panel_count, float* sums, int64_t sums_step) {
  multiply(isa, rows, row_count, terms, panels, panel_count, sums, sums_step);
}

void multiply_panels(PanelIsa isa, const float* const* rows, int64_t row_count, int64_t terms,
                     const Bfloat16* panels, int64_t panel_count, float* sums, int64_t sums_step) {
  multiply(isa, rows, row_count, terms, panels, panel_count, sums, sums_step);
}

}  // namespace octavo::kernels
