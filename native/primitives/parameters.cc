#include "primitives/parameters.h"

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

}  // namespace octavo
