// Products of bytes: a block of up to 32 rows by 32 columns of 32-bit sums, in AMX's tile registers or in
// AVX-512's, whose kernels read the same packed weights.
#pragma once

#include <cstdint>

namespace octavo::kernels {

// The rows and columns of one tile of sums, and of the most that one call multiplies.
constexpr int64_t kTileSide = 16;
constexpr int64_t kBlockSide = 2 * kTileSide;
// The most rows that VNNI multiplies at once.
constexpr int64_t kRowsOfVnni = 14;
// From one row of sums to the next, where nothing else is said.
constexpr int64_t kSumsStep = 64;
// Bytes that are multiplied and added at once.
constexpr int64_t kQuad = 4;
constexpr int64_t whole_quads(int64_t bytes) { return (bytes + kQuad - 1) / kQuad * kQuad; }
// The most bytes that one step multiplies in each row: a row of a tile.
constexpr int64_t kTileBytes = 64;

// The columns' weights, `bytes` (whole quads, at most kTileBytes) a column and step, in the order of
// pack_tile().
constexpr int64_t tile_weight_bytes(int64_t bytes) { return bytes * kTileSide; }

// Packs one step's weights of a tile of columns: `bytes` a column, the next column's are `column_step`
// further.
void pack_tile(const int8_t* weights, int64_t column_step, int64_t bytes, int8_t* packed);

enum class TileUnit { amx, vnni };

// Rows times columns, summed over `count` steps. Row r's bytes of step s begin at
// rows + r * row_bytes + offsets[s].
struct TileSteps {
  const uint8_t* rows;
  int64_t row_bytes;
  const int64_t* offsets;
  int64_t count;
  int64_t weight_bytes;  // of one step and one tile of columns
  // Each step brings this many bytes, of what will be needed later, into the second-level cache.
  const int8_t* ahead;
  int64_t ahead_bytes;
  int64_t sums_step = kSumsStep;
};

// AMX's tile registers of the calling thread, shaped for steps of this many bytes. oneDNN's kernels shape
// them anew, so they are taken for one task at a time.
class TileRegisters {
 public:
  explicit TileRegisters(int64_t bytes);
  ~TileRegisters();
  TileRegisters(const TileRegisters&) = delete;
  TileRegisters& operator=(const TileRegisters&) = delete;
};

// sums[r * sums_step + c] = initial[c] + row r times column c, for `rows` (at most kBlockSide) rows and 1 or
// 2 tiles of columns. `weights`: by step, then by tile of columns. `is_signed`: the rows are int8, not uint8;
// VNNI takes each byte of these for the unsigned one 128 above it. AMX reads and writes whole tiles of rows.
void multiply_tiles(TileUnit unit, bool is_signed, const TileSteps& steps, int64_t rows, int64_t column_tiles,
                    const int8_t* weights, const int32_t* initial, int32_t* sums);

}  // namespace octavo::kernels
