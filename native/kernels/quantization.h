// Quantizes one float32 value, as PyTorch's quantized_decomposed operators do; for the bodies of
// multiversioned functions.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/multiversion.h"

namespace octavo::kernels {

// clamp(round_half_even(x * inv_scale) + zero_point, low, high).
struct Quantization {
  float inv_scale, zero_point, low, high;

  // Whether quantized_from_zero() applies: the range is bytes from 0 on, and the zero point is in it.
  bool starts_at_zero() const {
    return low == 0 && high <= 255 && zero_point >= 0 && zero_point <= high &&
           zero_point == std::trunc(zero_point);
  }
};

// NaN results in INT32_MIN, whose low bytes are 0.
OCTAVO_INLINE int32_t quantized(float x, const Quantization& to) {
  float value = __builtin_rintf(x * to.inv_scale) + to.zero_point;
  value = value < to.low ? to.low : value;
  value = value > to.high ? to.high : value;
  return static_cast<int32_t>(value);
}

// The same before the zero point is added, for ranges that start at zero. Clamping to whole bounds
// before rounding returns the same integer in fewer operations. NaN results in the lowest one, which is
// then 0 as well.
OCTAVO_INLINE int32_t quantized_from_zero(float x, const Quantization& to) {
  const float low = -to.zero_point, high = to.high - to.zero_point;
  float value = x * to.inv_scale;
  value = value > low ? value : low;
  value = value > high ? high : value;
  return __builtin_irintf(value);
}

}  // namespace octavo::kernels
