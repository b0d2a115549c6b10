// Products of int16 rows with int8 weights, summed in 32 bits: exact where 8-bit instructions saturate.
#pragma once

#include <cstdint>
#include <vector>

namespace octavo::kernels {

// The count of columns that one call computes.
constexpr int64_t kProductColumns = 16;
// The largest count of rows that one call computes.
constexpr int64_t kProductRows = 6;

// A row of operands: `run_offsets.size()` runs of `run_length` adjacent elements. Run i begins
// `run_offsets[i]` elements after the row.
struct ProductRuns {
  std::vector<int64_t> offsets;
  int64_t length;

  // Elements are multiplied in pairs: the last one of an odd run is paired with the element that follows
  // it and a weight of 0.
  int64_t pairs() const { return (length + 1) / 2; }
  int64_t terms() const { return static_cast<int64_t>(offsets.size()) * 2 * pairs(); }
};

// Bytes of weights packed for `columns` columns.
int64_t packed_bytes(const ProductRuns& runs, int64_t columns);

// Packs `columns` columns of row-major weights [columns, runs, run length] for blocks of
// kProductColumns. Columns missing from the last block are 0.
void pack_columns(const ProductRuns& runs, const int8_t* weights, int64_t columns, int8_t* packed);

// sums[r * sums_step + c] = the product of row r and column c of one packed block, for `count` rows (at most
// kProductRows) and kProductColumns columns. Reads up to one element behind a row's last run.
void multiply_block(const ProductRuns& runs, const int16_t* const* rows, int64_t count, const int8_t* block,
                    int32_t* sums, int64_t sums_step);

// dst[i] = src[i] - zero_point.
void widen_row(const uint8_t* src, int16_t zero_point, int16_t* dst, int64_t n);
void widen_row(const int8_t* src, int16_t zero_point, int16_t* dst, int64_t n);

// "avx2" or "scalar".
const char* product_isa();

}  // namespace octavo::kernels
