#include "onednn/fused_primitive.h"

namespace octavo::onednn {

FusedPrimitive complete(Primitive primitive, const FusedLayouts& layouts, FusedAttributes fused) {
  const bool has_bias = layouts.bias != dnnl::memory::desc();
  primitive.add(DNNL_ARG_SRC, layouts.src);
  primitive.add(DNNL_ARG_WEIGHTS, layouts.weights);
  primitive.add(DNNL_ARG_DST, layouts.dst);
  if (has_bias) primitive.add(DNNL_ARG_BIAS, layouts.bias);
  if (fused.source) primitive.add(fused.source->scales_argument, fused.scales_layout);
  if (fused.addend_argument) primitive.add(fused.addend_argument, fused.addend_layout);
  for (const auto& [argument, memory] : fused.arguments) primitive.add(argument, memory);
  return {std::move(primitive),  layouts.weights,         has_bias,
          std::move(fused.bias), std::move(fused.source), fused.addend_argument};
}

}  // namespace octavo::onednn
