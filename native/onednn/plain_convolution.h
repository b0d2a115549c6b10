// oneDNN's float32 convolution in whatever layout it likes best.
#pragma once

#include "onednn/convolution.h"

namespace octavo::onednn {

struct PlainConvolution {
  Primitive primitive;
  dnnl::memory::desc src, weights, dst;  // the primitive's own choice
};

// The layouts and numbers of `problem`'s strides are not looked at.
PlainConvolution make_plain_convolution(const ConvolutionProblem& problem);

// Whether that is images in blocks of channels (tensor/channel_blocks.h), as the kernels for AVX2 of 2.x have
// them; those of 3.x are at their best channels-last.
bool prefers_channel_blocks();

}  // namespace octavo::onednn
