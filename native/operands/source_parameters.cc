#include "operands/source_parameters.h"

#include <stdexcept>

#include "operands/weight_sums.h"

namespace octavo {

SourceParameters::SourceParameters(const StepSpec& spec, int scale, int zero_point,
                                   onednn::SourceAtRunTime source)
    : scale_(spec, scale, zero_point), source_(std::move(source)) {
  const auto& weight = spec.input(1, "the weight");
  if (!weight.desc.is_contiguous())
    throw std::invalid_argument("the weight of a dynamically quantized layer must lie row-major, got " +
                                weight.desc.to_string());
  if (weight.constant)
    weight_sums_ = weight_sums(weight);
  else
    weight_.emplace(spec, 1, "the weight");
}

const float* SourceParameters::apply(const Buffers& buffers, const std::vector<float>& bias) {
  if (weight_) weight_sums_ = weight_sums(weight_->desc(), weight_->data(buffers));
  const auto [scale, zero_point] = scale_.read(buffers);
  bias_.resize(bias.size());
  source_.set(scale, zero_point, weight_sums_, bias, bias_.data());
  return bias_.data();
}

}  // namespace octavo
