// One float32 value to one integer, as PyTorch's quantized_decomposed operators do it; for the bodies of
// multiversioned functions.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/multiversion.h"

namespace octavo::kernels {

// clamp(round_half_even(x * inv_scale) + zero_point, low, high).
struct Quantization {
  float inv_scale, zero_point, low, high;

  // Whether quantized_from_zero() serves: bytes from 0 on, and a zero point that is one of them.
  bool starts_at_zero() const {
    return low == 0 && high <= 255 && zero_point >= 0 && zero_point <= high &&
           zero_point == std::trunc(zero_point);
  }
};

// NaN gives INT32_MIN, whose low bytes are 0.
OCTAVO_INLINE int32_t quantized(float x, const Quantization& to) {
  float value = __builtin_rintf(x * to.inv_scale) + to.zero_point;
  value = value < to.low ? to.low : value;
  value = value > to.high ? to.high : value;
  return static_cast<int32_t>(value);
}

// The same before the zero point is added, for what starts at zero. Clamped before it is rounded, by bounds
// that are whole numbers, a value gives the same integer in fewer operations. NaN gives the lowest, which is
// then 0 as well.
OCTAVO_INLINE int32_t quantized_from_zero(float x, const Quantization& to) {
  const float low = -to.zero_point, high = to.high - to.zero_point;
  float value = x * to.inv_scale;
  value = value > low ? value : low;
  value = value > high ? high : value;
  return __builtin_irintf(value);
}

}  // namespace octavo::kernels
