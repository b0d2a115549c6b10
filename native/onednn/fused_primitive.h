// A convolution or matmul with what is fused into it.
#pragma once

#include "onednn/fusion.h"
#include "onednn/primitive.h"

namespace octavo::onednn {

struct FusedPrimitive {
  Primitive primitive;
  dnnl::memory::desc weights;  // the primitive's own choice: reorder them once
  bool has_bias;               // always float32, one an output channel
  BiasTransform bias;
  std::optional<SourceAtRunTime> source;
  int addend_argument;  // 0 where the addend is a sum in the destination, or absent
  // A convolution that would use AMX, but for faults in how those kernels pad.
  bool padding_hinders = false;
};

struct FusedLayouts {
  dnnl::memory::desc src, weights, bias, dst;
};

// Declares every argument on a primitive made with `fused`.
FusedPrimitive complete(Primitive primitive, const FusedLayouts& layouts, FusedAttributes fused);

}  // namespace octavo::onednn
