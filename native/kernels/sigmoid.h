// The logistic function and the hyperbolic tangent, which vectorize.
#pragma once

#include "kernels/exponential.h"

namespace octavo::kernels {

OCTAVO_INLINE float sigmoid(float x) { return 1.0f / (1.0f + exponential(-x)); }

OCTAVO_INLINE float hyperbolic_tangent(float x) {
  const float magnitude = x < 0 ? -x : x;
  const float e = exponential(-2.0f * magnitude);
  const float far = (1.0f - e) / (1.0f + e);
  // Near 0 the quotient cancels: use Cephes' polynomial there.
  const float z = x * x;
  float p = -5.70498872745e-3f;
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  const float near = p * z * x + x;
  const float signed_far = x < 0 ? -far : far;
  return magnitude < 0.625f ? near : signed_far;
}

}  // namespace octavo::kernels
