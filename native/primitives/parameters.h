// Quantization parameters that come as tensors.
#pragma once

#include "tensor/tensor_desc.h"

namespace octavo {

// Element `index` of a contiguous tensor of float32, float64, int32 or int64.
double parameter_at(const TensorDesc& desc, const void* data, int64_t index);

// Throws std::invalid_argument, beginning with `what`, unless the tensor is such and has `count` elements.
void check_parameters(const TensorDesc& desc, int64_t count, const char* what);

}  // namespace octavo
