#include "operands/source_parameters.h"

#include <stdexcept>

#include "operands/weight_sums.h"

namespace octavo {

SourceParameters::SourceParameters(const StepSpec& spec, int scale, int zero_point,
                                   onednn::SourceAtRunTime source, ScratchLayout& scratch)
    : scale_(spec, scale, zero_point),
      source_(std::move(source)),
      scales_at_(scratch.reserve(source_.scale_count() * sizeof(float))),
      bias_at_(scratch.reserve(source_.channels() * sizeof(float))) {
  const auto& weight = spec.input(1, "the weight");
  if (!weight.desc.is_contiguous())
    throw std::invalid_argument("the weight of a dynamically quantized layer must lie row-major, got " +
                                weight.desc.to_string());
  if (weight.constant)
    shared_sums_ = shared_weight_sums(weight);
  else
    weight_.emplace(spec, 1, "the weight");
}

void SourceParameters::bind(const Buffers& buffers, const float* bias, onednn::Primitive& primitive) {
  if (weight_) weight_sums_ = weight_sums(weight_->desc(), weight_->data(buffers));
  const auto [scale, zero_point] = scale_.read(buffers);
  auto* scales = static_cast<float*>(ScratchLayout::at(buffers.scratchpad, scales_at_));
  auto* written = static_cast<float*>(ScratchLayout::at(buffers.scratchpad, bias_at_));
  source_.set(scale, zero_point, weight_ ? weight_sums_.data() : shared_sums_.get(), bias, scales, written);
  primitive.bind(source_.scales_argument, scales);
  primitive.bind(DNNL_ARG_BIAS, written);
}

}  // namespace octavo
