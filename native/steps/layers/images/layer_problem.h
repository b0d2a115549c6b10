// A layer of integers as Octavo's own kernels see it: a convolution of channels-last images.
#pragma once

#include <optional>

#include "onednn/convolution.h"

namespace octavo {

// A linear layer is a convolution of kernel 1 on a column of pixels.
struct LayerProblem {
  onednn::ConvolutionProblem convolution;  // src and dst as the step receives them
  TensorDesc weight;                       // [O, I / groups, KH, KW], as the step receives it
  int64_t groups;
  std::optional<TensorDesc> addend;  // as the step receives it, with dst's shape
};

// The same problem with adjacent channels in every image.
LayerProblem with_adjacent_channels(LayerProblem problem);

// Of images whose channels are adjacent, in elements:
// from one pixel to the next, and from the first one to pixel [row, column] of an image;
int64_t pixel_step(const TensorDesc& image);
int64_t pixel_offset(const TensorDesc& desc, int64_t image, int64_t row, int64_t column);
// whether the pixels of all images follow each other at one distance.
bool has_dense_pixels(const TensorDesc& image);

}  // namespace octavo
