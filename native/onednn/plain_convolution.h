// oneDNN's float32 convolution in the layouts that it prefers.
#pragma once

#include "onednn/convolution.h"

namespace octavo::onednn {

struct PlainConvolution {
  Primitive primitive;
  dnnl::memory::desc src, weights, dst;  // the primitive's choice
};

// The problem's layouts and strides are ignored.
PlainConvolution make_plain_convolution(const ConvolutionProblem& problem);

// Whether the preferred layout is images in channel blocks (tensor/channel_blocks.h), as for the AVX2
// kernels of 2.x. Those of 3.x are fastest channels-last.
bool prefers_channel_blocks();

}  // namespace octavo::onednn
