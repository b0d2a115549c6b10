// Images whose channels lie in blocks: the tensor [N, C / B, H, W, B], which is what oneDNN calls nChw8c
// where B is 8. Steps that compute element by element need not know what it stands for.
#pragma once

#include "tensor/tensor_desc.h"

namespace octavo {

// B: a vector of float32 on AVX2.
constexpr int64_t kChannelBlock = 8;

// Whether a tensor that stands for an image [N, C, H, W] has its channels in blocks. Throws
// std::invalid_argument where it has blocks of another size.
bool is_in_blocks(const TensorDesc& image);

// Such an image's shape as an image: [N, C, H, W].
Dims image_shape(const TensorDesc& blocks);

// An image's elements, where they are, as blocks of channels. Throws std::invalid_argument where the channels
// make no whole blocks.
TensorDesc in_blocks(const TensorDesc& image);

// Blocks as images of their own, [N * C / B, B, H, W] channels-last: for steps that treat every channel
// alike. Throws std::invalid_argument where they do not follow each other evenly.
TensorDesc blocks_as_images(const TensorDesc& blocks);

}  // namespace octavo
