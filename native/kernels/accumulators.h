// From the 32-bit sums of integer products to results: one factor and one offset a column.
#pragma once

#include <cstdint>

namespace octavo::kernels {

// Integers of 8 bits that are added: (value - zero_point) * scale, in units of the result.
struct ByteAddend {
  const void* values;  // null where nothing is added
  bool is_signed;
  float scale;
  float zero_point;
};

// x = sums * factor + offset + addend, clamped to low..high, rounded, ties to even; then zero_point is added,
// and what leaves the result's range saturates.
struct Requantization {
  const float* factor;
  const float* offset;
  ByteAddend addend;
  float low, high;  // finite, and within +-2^20
  int32_t zero_point;
};

// `to.addend.values` may be `out`.
void requantize_sums(const int32_t* sums, const Requantization& to, uint8_t* out, int64_t n);
void requantize_sums(const int32_t* sums, const Requantization& to, int8_t* out, int64_t n);

// out = sums * factor + offset.
void scale_sums(const int32_t* sums, const float* factor, const float* offset, float* out, int64_t n);

// out = out + a * scale.
void add_scaled_row(const float* a, float scale, float* out, int64_t n);

}  // namespace octavo::kernels
