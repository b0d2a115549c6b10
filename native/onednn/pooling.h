// oneDNN's pooling primitive.
#pragma once

#include <optional>

#include "onednn/primitive.h"

namespace octavo::onednn {

struct PoolingProblem {
  TensorDesc src;
  TensorDesc dst;
  dnnl::algorithm algorithm;
  // One entry per spatial extent. Dilation is PyTorch's: 1 means adjacent.
  Dims kernel, stride, dilation, padding, padding_end;
};

// Empty if oneDNN has no kernel, or only its reference kernel, for these layouts and types.
std::optional<Primitive> make_pooling(const PoolingProblem& problem);

}  // namespace octavo::onednn
