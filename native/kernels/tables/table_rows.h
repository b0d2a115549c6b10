// Rows of tables of real numbers, most of them stored as small integers: read, or added up.
#pragma once

#include <cstdint>

namespace octavo::kernels {

// How a row stores its elements. Behind integers are two floats, the row's scale and its zero point, which
// may be real: real = (stored - zero_point) * scale. So a row is in one place, and a lookup misses the caches
// once. Of 4 bits there are two integers in a byte, the first of them in its low bits.
enum class TableElements { f32, u8, u4 };

constexpr int64_t kTableParameterBytes = 2 * sizeof(float);

constexpr int64_t table_row_bytes(TableElements elements, int64_t width) {
  if (elements == TableElements::f32) return width * static_cast<int64_t>(sizeof(float));
  return (elements == TableElements::u4 ? (width + 1) / 2 : width) + kTableParameterBytes;
}

// out = the row's real values, n of them, which is its width.
void read_table_row(TableElements elements, const void* row, float* out, int64_t n);
// out += factor * the row's real values.
void add_table_row(TableElements elements, const void* row, float factor, float* out, int64_t n);

}  // namespace octavo::kernels
