// How products with panels are cut into tiles whose sums stay in registers.
#pragma once

#include <algorithm>

#include "kernels/recurrence/panels.h"

namespace octavo::kernels {

// Calls multiply(first row, rows, first panel, panels) for tiles of at most kRows rows and kPanels panels
// that cover everything. All rows meet a group of panels before the next one is read. Rows are divided
// evenly.
template <int64_t kRows, int64_t kPanels, class Multiply>
void each_tile(int64_t row_count, int64_t panel_count, const Multiply& multiply) {
  const int64_t tiles = (row_count + kRows - 1) / kRows;
  for (int64_t panel = 0; panel < panel_count; panel += kPanels)
    for (int64_t tile = 0; tile < tiles; tile++) {
      const int64_t begin = row_count * tile / tiles, end = row_count * (tile + 1) / tiles;
      multiply(begin, end - begin, panel, std::min(kPanels, panel_count - panel));
    }
}

}  // namespace octavo::kernels
