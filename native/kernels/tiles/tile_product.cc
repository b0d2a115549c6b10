#include "kernels/tiles/tile_product.h"

#include <immintrin.h>

#include <algorithm>

#include "kernels/tiles/vnni_product.h"

#define OCTAVO_AMX __attribute__((target("amx-tile,amx-int8")))

namespace octavo::kernels {

namespace {
// Sums are tiles 0 to 3, by rows; then two tiles of rows, and two of columns.
constexpr int kRows = 4, kColumns = 6, kTiles = 8;

constexpr int64_t kCacheLine = 64;

// What LDTILECFG reads.
struct alignas(64) TileShapes {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};

// The intrinsics are macros that take register numbers literally.
#define OCTAVO_MULTIPLY(sum, row, column) \
  do {                                    \
    if (kSigned)                          \
      _tile_dpbssd(sum, row, column);     \
    else                                  \
      _tile_dpbusd(sum, row, column);     \
  } while (false)

template <bool kSigned, bool kTwoRows, bool kTwoColumns>
OCTAVO_AMX void multiply(const TileSteps& steps, const int8_t* weights, const int32_t* initial,
                         int32_t* sums) {
  // A distance of 0 repeats one row of initial sums.
  _tile_loadd(0, initial, 0);
  if (kTwoColumns) _tile_loadd(1, initial + kTileSide, 0);
  if (kTwoRows) _tile_loadd(2, initial, 0);
  if (kTwoRows && kTwoColumns) _tile_loadd(3, initial + kTileSide, 0);
  const int64_t weight_bytes = steps.weight_bytes;
  const int8_t* ahead = steps.ahead;
  for (int64_t s = 0; s < steps.count; s++) {
    const uint8_t* rows = steps.rows + steps.offsets[s];
    for (int64_t at = 0; at < steps.ahead_bytes; at += kCacheLine, ahead += kCacheLine)
      _mm_prefetch(ahead, _MM_HINT_T1);
    _tile_loadd(4, rows, steps.row_bytes);
    _tile_loadd(6, weights, kTileBytes);
    OCTAVO_MULTIPLY(0, 4, 6);
    if (kTwoColumns) {
      weights += weight_bytes;
      _tile_loadd(7, weights, kTileBytes);
      OCTAVO_MULTIPLY(1, 4, 7);
    }
    if (kTwoRows) {
      _tile_loadd(5, rows + kTileSide * steps.row_bytes, steps.row_bytes);
      OCTAVO_MULTIPLY(2, 5, 6);
      if (kTwoColumns) OCTAVO_MULTIPLY(3, 5, 7);
    }
    weights += weight_bytes;
  }
  const int64_t sum_bytes = steps.sums_step * static_cast<int64_t>(sizeof(int32_t));
  int32_t* lower = sums + kTileSide * steps.sums_step;
  _tile_stored(0, sums, sum_bytes);
  if (kTwoColumns) _tile_stored(1, sums + kTileSide, sum_bytes);
  if (kTwoRows) _tile_stored(2, lower, sum_bytes);
  if (kTwoRows && kTwoColumns) _tile_stored(3, lower + kTileSide, sum_bytes);
}

template <bool kSigned>
void multiply(const TileSteps& steps, int64_t row_tiles, int64_t column_tiles, const int8_t* weights,
              const int32_t* initial, int32_t* sums) {
  const bool two_rows = row_tiles == 2, two_columns = column_tiles == 2;
  if (two_rows && two_columns) return multiply<kSigned, true, true>(steps, weights, initial, sums);
  if (two_rows) return multiply<kSigned, true, false>(steps, weights, initial, sums);
  if (two_columns) return multiply<kSigned, false, true>(steps, weights, initial, sums);
  multiply<kSigned, false, false>(steps, weights, initial, sums);
}

// GCC's intrinsic says that it reads one pointer's worth of the shapes, and the rest is never written.
OCTAVO_AMX void load_shapes(const TileShapes& shapes) {
  asm volatile("" : : "r"(&shapes) : "memory");
  _tile_loadconfig(&shapes);
}
OCTAVO_AMX void release() { _tile_release(); }
}  // namespace

void pack_tile(const int8_t* weights, int64_t column_step, int64_t bytes, int8_t* packed) {
  for (int64_t quad = 0; quad < bytes; quad += kQuad)
    for (int64_t column = 0; column < kTileSide; column++, packed += kQuad)
      std::copy_n(weights + column * column_step + quad, kQuad, packed);
}

TileRegisters::TileRegisters(int64_t bytes) {
  TileShapes shapes;
  std::fill_n(shapes.rows, kTiles, uint8_t{kTileSide});
  std::fill_n(shapes.row_bytes, kTiles, uint16_t{kTileBytes});
  for (int tile = kRows; tile < kColumns; tile++) shapes.row_bytes[tile] = static_cast<uint16_t>(bytes);
  for (int tile = kColumns; tile < kTiles; tile++) shapes.rows[tile] = static_cast<uint8_t>(bytes / kQuad);
  load_shapes(shapes);
}

TileRegisters::~TileRegisters() { release(); }

void multiply_tiles(TileUnit unit, bool is_signed, const TileSteps& steps, int64_t rows, int64_t column_tiles,
                    const int8_t* weights, const int32_t* initial, int32_t* sums) {
  if (unit == TileUnit::vnni)
    return multiply_rows(is_signed, steps, rows, column_tiles, weights, initial, sums);
  const int64_t row_tiles = rows > kTileSide ? 2 : 1;
  if (is_signed) return multiply<true>(steps, row_tiles, column_tiles, weights, initial, sums);
  multiply<false>(steps, row_tiles, column_tiles, weights, initial, sums);
}

}  // namespace octavo::kernels
