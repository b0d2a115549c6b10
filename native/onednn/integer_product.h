// The product of two tensors of 8-bit integers, each with its own scale and zero point.
#pragma once

#include "onednn/primitive.h"
#include "onednn/rejections.h"

namespace octavo::onednn {

// dst = sum((a - a_zero_point) * (b - b_zero_point)) * scale + dst_zero_point; batch extents of 1 broadcast.
struct IntegerProductProblem {
  TensorDesc a;  // uint8 or int8
  TensorDesc b;  // int8
  TensorDesc dst;
  float scale = 1;
  int32_t a_zero_point = 0, b_zero_point = 0, dst_zero_point = 0;
};

// The first implementation without a known fault; those before it are added to `rejections`. Its arguments
// are DNNL_ARG_SRC, DNNL_ARG_WEIGHTS and DNNL_ARG_DST, in the problem's layouts. Throws dnnl::error if oneDNN
// has no implementation for these types and zero points.
Primitive make_integer_product(const IntegerProductProblem& problem, Rejections& rejections);

}  // namespace octavo::onednn
