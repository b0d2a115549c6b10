#include "contract/parameters.h"

#include <cmath>
#include <stdexcept>
#include <string>

namespace octavo {

double parameter_at(const TensorDesc& desc, const void* data, int64_t index) {
  switch (desc.dtype) {
    case DType::f32:
      return static_cast<const float*>(data)[index];
    case DType::f64:
      return static_cast<const double*>(data)[index];
    case DType::s32:
      return static_cast<const int32_t*>(data)[index];
    case DType::s64:
      return static_cast<double>(static_cast<const int64_t*>(data)[index]);
    default:
      throw std::invalid_argument("quantization parameters must be float32, float64, int32 or int64, got " +
                                  desc.to_string());
  }
}

void check_parameters(const TensorDesc& desc, int64_t count, const char* what) {
  const bool numeric = desc.dtype == DType::f32 || desc.dtype == DType::f64 || desc.dtype == DType::s32 ||
                       desc.dtype == DType::s64;
  if (!numeric || desc.numel() != count || !desc.is_contiguous())
    throw std::invalid_argument(std::string(what) + ": " + std::to_string(count) +
                                " contiguous values of float32, float64, int32 or int64 expected, got " +
                                desc.to_string());
}

kernels::Affine affine_attributes(const Attributes& attributes, const std::string& scale,
                                  const std::string& zero_point) {
  const kernels::Affine affine{attributes.number(scale),
                               static_cast<double>(attributes.integer(zero_point, 0))};
  if (!(affine.scale > 0) || !std::isfinite(affine.scale))
    throw std::invalid_argument("attribute '" + scale + "' must be positive and finite, got " +
                                std::to_string(affine.scale));
  return affine;
}

kernels::QuantRange range_attributes(const Attributes& attributes, DType dtype) {
  const kernels::QuantRange full = kernels::full_range(dtype);
  const kernels::QuantRange range{attributes.integer("quantMin", full.min),
                                  attributes.integer("quantMax", full.max)};
  if (range.min >= range.max || range.min < full.min || range.max > full.max)
    throw std::invalid_argument("quantMin " + std::to_string(range.min) + " and quantMax " +
                                std::to_string(range.max) + " do not fit " + dtype_name(dtype));
  return range;
}

}  // namespace octavo
