#include "contract/run_time_scale.h"

#include <cmath>
#include <stdexcept>

#include "contract/parameters.h"

namespace octavo {

RunTimeScale::RunTimeScale(const StepSpec& spec, int scale, int zero_point)
    : step_(spec.op + " '" + spec.node + "'"),
      dtype_(spec.inputs[0].desc.dtype),
      scale_(spec, scale, "the source's scale"),
      zero_point_(spec, zero_point, "the source's zero point") {
  check_parameters(scale_.desc(), 1, "the source's scale");
  check_parameters(zero_point_.desc(), 1, "the source's zero point");
}

RunTimeScale::Value RunTimeScale::read(const Buffers& buffers) const {
  const auto scale = static_cast<float>(parameter_at(scale_.desc(), scale_.data(buffers), 0));
  const double zero_point = parameter_at(zero_point_.desc(), zero_point_.data(buffers), 0);
  const int low = dtype_ == DType::u8 ? 0 : -128;
  // The scale's reciprocal is used too.
  if (!(scale > 0) || !std::isnormal(scale) || !std::isnormal(1 / scale) || zero_point < low ||
      zero_point > low + 255)
    throw std::domain_error(step_ + ": scale " + std::to_string(scale) + " and zero point " +
                            std::to_string(zero_point) + " are no parameters of " + dtype_name(dtype_));
  return {scale, static_cast<int32_t>(zero_point)};
}

}  // namespace octavo
