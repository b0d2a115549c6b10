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

// Nothing where oneDNN has only its reference kernel, or none, for these layouts and types.
std::optional<Primitive> make_pooling(const PoolingProblem& problem);

}  // namespace octavo::onednn
