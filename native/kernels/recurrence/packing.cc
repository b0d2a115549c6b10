#include <algorithm>
#include <numeric>

#include "kernels/recurrence/panels.h"

namespace octavo::kernels {

namespace {
// Calls place(row of the weight, panel, column) for every row that there is.
template <class Place>
void each_row(const GateRows& rows, const Place& place) {
  for (int64_t gate = 0; gate < rows.gates; gate++)
    for (int64_t state = 0; state < rows.states; state++)
      place(gate * rows.states + state, state / kPanelColumns * rows.gates + gate, state % kPanelColumns);
}

template <class Weight>
void pack(const GateRows& rows, int64_t group, const Weight* weights, Weight* packed) {
  const int64_t terms = rows.grouped(group);
  std::fill_n(packed, rows.columns() * terms, Weight{});
  each_row(rows, [&](int64_t row, int64_t panel, int64_t column) {
    const Weight* from = weights + row * rows.terms;
    Weight* to = packed + panel * terms * kPanelColumns + column * group;
    for (int64_t k = 0; k < rows.terms; k++) to[k / group * group * kPanelColumns + k % group] = from[k];
  });
}
}  // namespace

void pack_panels(const GateRows& rows, const float* weights, float* packed) {
  pack(rows, 1, weights, packed);
}

void pack_panels(const GateRows& rows, const Bfloat16* weights, Bfloat16* packed) {
  pack(rows, kHalfGroup, weights, packed);
}

void pack_panels(const GateRows& rows, const int8_t* weights, int8_t* packed, int32_t* column_sums) {
  pack(rows, kByteGroup, weights, packed);
  std::fill_n(column_sums, rows.columns(), 0);
  each_row(rows, [&](int64_t row, int64_t panel, int64_t column) {
    const int8_t* from = weights + row * rows.terms;
    column_sums[panel * kPanelColumns + column] = std::accumulate(from, from + rows.terms, int32_t{0});
  });
}

void pack_columns(const GateRows& rows, const float* values, float* packed) {
  std::fill_n(packed, rows.columns(), 0.0f);
  each_row(rows, [&](int64_t row, int64_t panel, int64_t column) {
    packed[panel * kPanelColumns + column] = values[row];
  });
}

}  // namespace octavo::kernels
