// Quantization parameters that come as tensors or as attributes.
#pragma once

#include "contract/attributes.h"
#include "kernels/row_conversion.h"
#include "tensor/tensor_desc.h"

namespace octavo {

// Element `index` of a contiguous tensor of float32, float64, int32 or int64.
double parameter_at(const TensorDesc& desc, const void* data, int64_t index);

// Throws std::invalid_argument, beginning with `what`, unless the tensor is such and has `count` elements.
void check_parameters(const TensorDesc& desc, int64_t count, const char* what);

// From the attributes of these names; the zero point is 0 where it is absent. Throws std::invalid_argument
// for a scale that is not positive and finite.
kernels::Affine affine_attributes(const Attributes& attributes, const std::string& scale,
                                  const std::string& zero_point);

// quantMin and quantMax, the dtype's own where absent. Throws std::invalid_argument where they do not fit it.
kernels::QuantRange range_attributes(const Attributes& attributes, DType dtype);

}  // namespace octavo
