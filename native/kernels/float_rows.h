// Rows of any dtype read and written as float32 values, and what the integers among them stand for.
#pragma once

#include <cstdint>

#include "kernels/quantization.h"
#include "tensor/tensor_desc.h"

namespace octavo::kernels {

// Range of stored integers, for dtypes narrower than their type's own range (reduced range, 7-bit weights).
struct QuantRange {
  int64_t min;
  int64_t max;
};
// A quantized dtype's own range. Throws std::invalid_argument for another dtype.
QuantRange full_range(DType dtype);
// The quantization to a scale (given as its reciprocal), a zero point and a range.
Quantization quantization(float inv_scale, float zero_point, QuantRange range);

// Whether rows of this dtype can be read and written as float32 values.
bool converts_through_float(DType dtype);

// Reads n elements as float32: (stored - zero_point) * scale.
void load_row(DType dtype, const void* src, float* dst, int64_t n, float scale, float zero_point);
// Writes n float32 values: integers as clamp(round_half_even(value * inv_scale) + zero_point).
void store_row(DType dtype, const float* src, void* dst, int64_t n, float inv_scale, float zero_point,
               QuantRange range);
// Writes the products of two rows as bytes, signed or not, as store_row would. No rows overlap.
void store_byte_products(const float* a, const float* b, uint8_t* dst, int64_t n, const Quantization& to);

}  // namespace octavo::kernels
