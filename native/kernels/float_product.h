// Products of small float32 matrices whose right operand was packed into panels.
#pragma once

#include <cstdint>

namespace octavo::kernels {

// The columns of a panel: term by term, those of one term next to each other.
constexpr int64_t kPackedColumns = 32;

// The elements of all panels; columns beyond the last are 0.
constexpr int64_t panel_elements(int64_t terms, int64_t columns) {
  return (columns + kPackedColumns - 1) / kPackedColumns * kPackedColumns * terms;
}

// Packs the matrix whose term t has its column c at matrix[t * term_step + c * column_step].
void pack_panels(const float* matrix, int64_t term_step, int64_t column_step, int64_t terms, int64_t columns,
                 float* panels);

// Rows that begin `step` elements apart.
template <typename Float>
struct FloatRows {
  Float* first;
  int64_t step;
};

struct Panels {
  const float* first;
  int64_t terms;  // that were packed
};

// results[r][c] = factor * (sum over the first `terms` of rows[r][t] * the panels' column c of term t). Whole
// panels of columns are written.
void multiply_panels(FloatRows<const float> rows, int64_t count, Panels panels, int64_t terms,
                     int64_t columns, float factor, FloatRows<float> results);

}  // namespace octavo::kernels
