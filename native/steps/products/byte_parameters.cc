#include "steps/products/byte_parameters.h"

#include <cmath>
#include <stdexcept>

#include "kernels/float_rows.h"

namespace octavo {

Parameters read_parameters(const Attributes& attributes, const std::string& name, DType dtype) {
  const Parameters p{attributes.number(name + "Scale", 1), attributes.integer(name + "ZeroPoint", 0)};
  if (!(p.scale > 0) || !std::isnormal(static_cast<float>(p.scale)))
    throw std::invalid_argument(name + "Scale must be a finite positive float32, got " +
                                std::to_string(p.scale));
  if (!is_byte(dtype)) {
    if (p.scale != 1 || p.zero_point != 0)
      throw std::invalid_argument(name + "Scale must be 1 and " + name + "ZeroPoint 0 for " +
                                  dtype_name(dtype));
    return p;
  }
  const auto range = kernels::full_range(dtype);
  if (p.zero_point < range.min || p.zero_point > range.max)
    throw std::invalid_argument(name + "ZeroPoint must lie in " + dtype_name(dtype) + "'s range, got " +
                                std::to_string(p.zero_point));
  return p;
}

}  // namespace octavo
