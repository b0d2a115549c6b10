// The right factor of a product of bytes, packed for tile products by the run that multiplies with it.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/tiles/tile_product.h"

namespace octavo::kernels {

class ByteFactor {
 public:
  ByteFactor(int64_t terms, int64_t columns);

  // With padding: a row of the left factor, and the columns.
  int64_t row_bytes() const { return steps() * step_bytes_; }
  int64_t whole_columns() const { return tiles() * kTileSide; }
  int64_t packed_bytes() const { return row_bytes() * whole_columns(); }
  int64_t step_bytes() const { return step_bytes_; }

  // From rows of whole_columns() bytes, one for each term: row_bytes() of them.
  void pack_terms(const int8_t* rows, int8_t* packed) const;
  // From rows of row_bytes(), one for each column: whole_columns() of them.
  void pack_columns(const int8_t* rows, int8_t* packed) const;

  // sums[r * step + c] = initial[c] + row r times column c, for `count` rows, at most kBlockSide. AMX reads
  // and writes whole tiles of rows, by registers that the caller has shaped.
  void multiply(TileUnit unit, const uint8_t* rows, int64_t count, const int8_t* packed,
                const int32_t* initial, int32_t* sums, int64_t step) const;

 private:
  int64_t steps() const { return static_cast<int64_t>(offsets_.size()); }
  int64_t tiles() const { return (columns_ + kTileSide - 1) / kTileSide; }
  template <typename PackTile>
  void pack(int8_t* packed, const PackTile& pack_tile) const;

  int64_t columns_, step_bytes_;
  std::vector<int64_t> offsets_;
};

// to[i] = from[i * step] ^ flip: with 0x80, the byte 128 below an unsigned one, or above a signed one.
void flip_bytes(const uint8_t* from, int64_t step, int64_t count, uint8_t flip, uint8_t* to);

}  // namespace octavo::kernels
