#include "tensor/channel_blocks.h"

#include <stdexcept>

namespace octavo {

bool is_in_blocks(const TensorDesc& image) {
  if (image.shape.size() != 5) return false;
  if (image.shape[4] != kChannelBlock)
    throw std::invalid_argument(image.to_string() + " should have blocks of " +
                                std::to_string(kChannelBlock) + " channels innermost");
  return true;
}

Dims image_shape(const TensorDesc& blocks) {
  const auto& s = blocks.shape;
  return {s[0], s[1] * s[4], s[2], s[3]};
}

TensorDesc in_blocks(const TensorDesc& image) {
  if (image.shape.size() != 4 || image.shape[1] % kChannelBlock != 0)
    throw std::invalid_argument(image.to_string() + " has no whole blocks of " +
                                std::to_string(kChannelBlock) + " channels");
  const auto &e = image.shape, &s = image.strides;
  return {image.dtype,
          {e[0], e[1] / kChannelBlock, e[2], e[3], kChannelBlock},
          {s[0], s[1] * kChannelBlock, s[2], s[3], s[1]}};
}

TensorDesc blocks_as_images(const TensorDesc& blocks) {
  const auto &e = blocks.shape, &s = blocks.strides;
  if (e[0] > 1 && e[1] > 1 && s[0] != e[1] * s[1])
    throw std::invalid_argument("the blocks of " + blocks.to_string() + " must follow each other evenly");
  // oneDNN looks at the strides of extents of 1, too.
  const int64_t column = e[3] > 1 ? s[3] : e[4], row = e[2] > 1 ? s[2] : e[3] * column;
  return {blocks.dtype, {e[0] * e[1], e[4], e[2], e[3]}, {e[1] > 1 ? s[1] : s[0], s[4], row, column}};
}

}  // namespace octavo
