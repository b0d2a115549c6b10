// Accumulates rows element by element, one lane for each channel.
#pragma once

#include <cstdint>

#include "kernels/row_conversion.h"
#include "tensor/tensor_desc.h"

namespace octavo::kernels {

// accumulator[i] += row[i], for any dtype that converts to float32.
void accumulate_row(DType dtype, const void* row, float* accumulator, int64_t n);
// accumulator[i] += clamp(round_half_even(row[i] / scale) + zero_point) for every row: the values that
// quantizing would store. Rows begin `stride` elements apart. NaN counts as the smallest integer of the
// range.
void accumulate_quantized_rows(const float* rows, int64_t stride, int64_t count, float* accumulator,
                               int64_t n, Affine target, QuantRange range);

}  // namespace octavo::kernels
