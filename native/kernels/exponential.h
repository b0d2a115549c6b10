// exp() that vectorizes.
#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/multiversion.h"

namespace octavo::kernels {

// Within 2 units in the last place of e^x. Infinity if that is too large for float32, and 0 below -87.3,
// where float32 has no normal numbers. NaN stays NaN.
OCTAVO_INLINE float exponential(float x) {
  // From 88.73 on all results are Infinity.
  constexpr float kOverflow = 89;
  constexpr float kLog2e = 1.44269504f, kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;
  const float high = x > kOverflow ? kOverflow : x;
  const float clamped = high < -87.3f ? -87.3f : high;
  // x = k ln 2 + r with |r| <= ln 2 / 2.
  const float k = __builtin_rintf(clamped * kLog2e);
  const float r = (clamped - k * kLn2High) - k * kLn2Low;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  // Times 2^k, in two halves: 2^128 is not a float.
  const int32_t whole = static_cast<int32_t>(k), half = whole >> 1;
  const int32_t bits[2] = {(half + 127) << 23, (whole - half + 127) << 23};
  float first, second;
  std::memcpy(&first, &bits[0], sizeof first);
  std::memcpy(&second, &bits[1], sizeof second);
  const float result = p * first * second;
  return x < -87.3f ? 0.0f : result;
}

}  // namespace octavo::kernels
