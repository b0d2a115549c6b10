// A layer's weights in the order in which tile products read them: by pair of tiles of output channels, by
// step, by tile of the pair.
#pragma once

#include "operands/epilogue_numbers.h"
#include "steps/layers/tiles/tile_source.h"
#include "weights/packed_form.h"

namespace octavo {

class TileWeights {
 public:
  // `weight`: int8 [O, I, KH, KW] under any strides. `order`: of the blocks of sums.
  TileWeights(const TensorDesc& weight, ChannelOrder order, const TileSource& source);

  int64_t blocks() const;
  // A block's tiles of channels: 4, or fewer for the last few channels.
  int64_t tiles(int64_t block) const;
  // The bytes of a tile, of all steps and of one. Blocks and tiles follow each other.
  int64_t tile_bytes() const;
  int64_t step_tile_bytes() const;
  int64_t offset(int64_t block) const;

  PackedForm form() const;
  void pack(const void* data, void* packed) const;

 private:
  std::vector<int8_t> in_step_order(const void* data) const;
  int64_t all_tiles() const;

  TensorDesc weight_;
  ChannelOrder order_;
  std::vector<TileStep> steps_;
  int64_t tap_bytes_, step_bytes_;
};

}  // namespace octavo
