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

}  // namespace octavo::onednn
