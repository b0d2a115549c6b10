// A convolution or matmul with what is fused into it.
#pragma once

#include "onednn/fusion.h"
#include "onednn/primitive.h"

namespace octavo::onednn {

struct FusedPrimitive {
  Primitive primitive;
  dnnl::memory::desc weights;  // the layout that the primitive chose: reorder them once
  bool has_bias;               // float32, one per output channel
  BiasTransform bias;
  std::optional<SourceAtRunTime> source;
  int addend_argument;  // 0 if the addend is in the destination's buffer, or absent
  // The convolution would use AMX, except that those kernels mishandle padding.
  bool padding_hinders = false;
};

struct FusedLayouts {
  dnnl::memory::desc src, weights, bias, dst;
};

// Declares every argument on a primitive made with `fused`.
FusedPrimitive complete(Primitive primitive, const FusedLayouts& layouts, FusedAttributes fused);

}  // namespace octavo::onednn
