#include "kernels/tiles/byte_factor.h"

#include <algorithm>

#include "kernels/multiversion.h"
#include "kernels/transpose.h"

namespace octavo::kernels {

// Steps of one size, which pad the terms by as few bytes as possible.
ByteFactor::ByteFactor(int64_t terms, int64_t columns) : columns_(columns) {
  const int64_t steps = (terms + kTileBytes - 1) / kTileBytes;
  step_bytes_ = whole_quads((terms + steps - 1) / steps);
  for (int64_t step = 0; step < steps; step++) offsets_.push_back(step * step_bytes_);
}

// In the order that tile products read: by pairs of tiles, then by step, then by tile.
template <typename PackTile>
void ByteFactor::pack(int8_t* packed, const PackTile& pack_tile) const {
  for (int64_t pair = 0; pair < tiles(); pair += 2)
    for (const int64_t offset : offsets_)
      for (int64_t tile = pair; tile < std::min(pair + 2, tiles()); tile++) {
        pack_tile(tile * kTileSide, offset, packed);
        packed += tile_weight_bytes(step_bytes_);
      }
}

void ByteFactor::pack_terms(const int8_t* rows, int8_t* packed) const {
  const int64_t columns = whole_columns();
  pack(packed, [&](int64_t column, int64_t term, int8_t* to) {
    for (int64_t quad = 0; quad < step_bytes_; quad += kQuad, to += kTileBytes)
      transpose(1, rows + (term + quad) * columns + column, columns, to, kQuad, kQuad, kTileSide);
  });
}

void ByteFactor::pack_columns(const int8_t* rows, int8_t* packed) const {
  const int64_t bytes = row_bytes();
  pack(packed, [&](int64_t column, int64_t term, int8_t* to) {
    transpose(kQuad, rows + column * bytes + term, bytes / kQuad, to, kTileSide, kTileSide,
              step_bytes_ / kQuad);
  });
}

void ByteFactor::multiply(TileUnit unit, const uint8_t* rows, int64_t count, const int8_t* packed,
                          const int32_t* initial, int32_t* sums, int64_t step) const {
  const TileSteps product{
      rows, row_bytes(), offsets_.data(), steps(), tile_weight_bytes(step_bytes_), nullptr, 0, step};
  for (int64_t tile = 0; tile < tiles(); tile += 2) {
    const int64_t column = tile * kTileSide;
    multiply_tiles(unit, false, product, count, std::min<int64_t>(2, tiles() - tile),
                   packed + column * row_bytes(), initial + column, sums + column);
  }
}

OCTAVO_MULTIVERSION void flip_bytes(const uint8_t* from, int64_t step, int64_t count, uint8_t flip,
                                    uint8_t* to) {
  if (step == 1)
    for (int64_t i = 0; i < count; i++) to[i] = from[i] ^ flip;
  else
    for (int64_t i = 0; i < count; i++) to[i] = from[i * step] ^ flip;
}

}  // namespace octavo::kernels
