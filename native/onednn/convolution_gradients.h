// oneDNN's gradients of a convolution: of its input, and of its weight, in float32.
#pragma once

#include "onednn/convolution.h"

namespace octavo::onednn {

// The gradient of `of` from the gradient of the convolution's result and the other operand.
enum class ConvolutionOperand { input, weight };

struct ConvolutionGradient {
  Primitive primitive;  // arguments: see below
  // The layouts that the primitive works on.
  dnnl::memory::desc src, weights, dst;
};

// Reads DNNL_ARG_DIFF_DST and DNNL_ARG_WEIGHTS and writes DNNL_ARG_DIFF_SRC, or reads DNNL_ARG_SRC and
// DNNL_ARG_DIFF_DST and writes DNNL_ARG_DIFF_WEIGHTS. `problem` is the forward convolution's; its bias is
// ignored. What is read has the element type of problem.dst, float32 or bfloat16. Images keep the problem's
// layout where oneDNN has a jitted kernel for it.
ConvolutionGradient make_convolution_gradient(const ConvolutionProblem& problem, ConvolutionOperand of);

}  // namespace octavo::onednn
