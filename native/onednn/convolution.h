// oneDNN's convolution of images and volumes.
#pragma once

#include <functional>

#include "onednn/fused_primitive.h"
#include "onednn/rejections.h"

namespace octavo::onednn {

struct ConvolutionProblem {
  TensorDesc src;  // [N, C, H, W] or [N, C, D, H, W], any strides
  TensorDesc dst;  // [N, O, H', W'], or with D'
  DType weights_dtype;
  Dims weights;  // [O, I, KH, KW], or [G, O/G, I, KH, KW]; of volumes with KD before KH
  Dims stride;
  Dims dilation;  // 1 = dense
  Dims padding_begin;
  Dims padding_end;
  bool has_bias;
  std::string kernel = "";  // see KernelChoice
  // The channels are in contiguous blocks (tensor/channel_blocks.h); the strides are ignored.
  bool src_in_blocks = false, dst_in_blocks = false;

  // Spatial extents: 2 or 3.
  int64_t axes() const { return static_cast<int64_t>(stride.size()); }
};

// The description of an image of this shape in channel blocks.
dnnl::memory::desc channel_blocks(const Dims& shape, DType dtype);

// The implementation that problem.kernel chooses among those without a known fault. Those that oneDNN offers
// before it are added to `rejections`. `products_fit` is called for implementations that would saturate: it
// returns whether two products always fit 16 bits. Throws dnnl::error with dnnl_unimplemented if no
// implementation is left.
FusedPrimitive make_convolution(const ConvolutionProblem& problem, const Fusion& fusion, AddendForm form,
                                const std::function<bool()>& products_fit, Rejections& rejections);

}  // namespace octavo::onednn
