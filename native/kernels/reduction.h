// Accumulating rows element by element: one lane per channel.
#pragma once

#include <cstdint>

#include "tensor/tensor_desc.h"

namespace octavo::kernels {

// accumulator[i] += row[i], for any dtype that reads as float32.
void accumulate_row(DType dtype, const void* row, float* accumulator, int64_t n);
// best[i] = max(best[i], row[i]) in the tensor's own dtype; float NaN wins.
void maximum_row(DType dtype, const void* row, void* best, int64_t n);

}  // namespace octavo::kernels
