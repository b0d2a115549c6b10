#include "primitives/source_parameters.h"

#include <cmath>
#include <stdexcept>

#include "primitives/parameters.h"
#include "primitives/weight_sums.h"

namespace octavo {

SourceParameters::SourceParameters(const StepSpec& spec, int scale, int zero_point,
                                   onednn::SourceAtRunTime source)
    : node_(spec.node),
      dtype_(spec.inputs[0].desc.dtype),
      scale_(spec, scale, "the source's scale"),
      zero_point_(spec, zero_point, "the source's zero point"),
      source_(std::move(source)) {
  check_parameters(scale_.desc(), 1, "the source's scale");
  check_parameters(zero_point_.desc(), 1, "the source's zero point");
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
  const auto scale = static_cast<float>(parameter_at(scale_.desc(), scale_.data(buffers), 0));
  const double zero_point = parameter_at(zero_point_.desc(), zero_point_.data(buffers), 0);
  const int low = dtype_ == DType::u8 ? 0 : -128;
  // The scale's reciprocal is used too.
  if (!(scale > 0) || !std::isnormal(scale) || !std::isnormal(1 / scale) || zero_point < low ||
      zero_point > low + 255)
    throw std::domain_error("linear '" + node_ + "': scale " + std::to_string(scale) + " and zero point " +
                            std::to_string(zero_point) + " are no parameters of " + dtype_name(dtype_));
  bias_.resize(bias.size());
  source_.set(scale, static_cast<int32_t>(zero_point), weight_sums_, bias, bias_.data());
  return bias_.data();
}

}  // namespace octavo
