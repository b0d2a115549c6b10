// oneDNN's pooling primitive.
#pragma once

#include <optional>

#include "onednn/primitive.h"
#include "onednn/rejections.h"

namespace octavo::onednn {

struct PoolingProblem {
  TensorDesc src;
  TensorDesc dst;
  dnnl::algorithm algorithm;
  // One entry per spatial extent. Dilation is PyTorch's: 1 means adjacent.
  Dims kernel, stride, dilation, padding, padding_end;
};

// Empty if oneDNN has no fast kernel without a known fault for these layouts and types. The kernel that it
// would have used is then added to `rejections`.
std::optional<Primitive> make_pooling(const PoolingProblem& problem, Rejections& rejections);

}  // namespace octavo::onednn
