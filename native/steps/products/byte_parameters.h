// What the elements of a product's operands stand for.
#pragma once

#include <string>

#include "contract/attributes.h"
#include "tensor/tensor_desc.h"

namespace octavo {

// real = (stored - zero_point) * scale; 1 and 0 for floats.
struct Parameters {
  double scale;
  int64_t zero_point;
};

// The attributes `name`Scale and `name`ZeroPoint. Throws std::invalid_argument where they do not suit the
// dtype.
Parameters read_parameters(const Attributes& attributes, const std::string& name, DType dtype);

}  // namespace octavo
