// From the 32-bit sums of integer products to results: one factor and one offset a column.
#pragma once

#include <cstdint>

namespace octavo::kernels {

// What happens between sum and integer: x = sum * factor + offset, clamped to low..high, rounded, moved by
// zero_point.
struct Requantization {
  const float* factor;
  const float* offset;
  float low, high;
  float zero_point;
};

// An addend of 8-bit integers, in units of the result: + (value - zero_point) * scale before the clamp.
template <typename T>
struct IntegerAddend {
  const T* values;
  float scale;
  float zero_point;
};

// out = saturate(round(clamp(sums * factor + offset)) + zero_point), ties to even.
void requantize_sums(const int32_t* sums, const Requantization& to, uint8_t* out, int64_t n);
void requantize_sums(const int32_t* sums, const Requantization& to, int8_t* out, int64_t n);
// `addend.values` may be `out`.
void requantize_sums(const int32_t* sums, const Requantization& to, IntegerAddend<uint8_t> addend,
                     uint8_t* out, int64_t n);
void requantize_sums(const int32_t* sums, const Requantization& to, IntegerAddend<int8_t> addend,
                     uint8_t* out, int64_t n);
void requantize_sums(const int32_t* sums, const Requantization& to, IntegerAddend<uint8_t> addend,
                     int8_t* out, int64_t n);
void requantize_sums(const int32_t* sums, const Requantization& to, IntegerAddend<int8_t> addend, int8_t* out,
                     int64_t n);

// out = sums * factor + offset.
void scale_sums(const int32_t* sums, const float* factor, const float* offset, float* out, int64_t n);

// out = out + a * scale.
void add_scaled_row(const float* a, float scale, float* out, int64_t n);

}  // namespace octavo::kernels
