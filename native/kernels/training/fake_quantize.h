// Rounding to the integers of a quantization and back, and its gradient.
#pragma once

#include <cstdint>

namespace octavo::kernels {

// Scale and zero point with the integers that they have, as floats.
struct FakeQuantization {
  float scale, inverse, zero_point, lowest, highest;
};

// out[i] = (clamp(round_half_even(x[i] / scale) + zero_point) - zero_point) * scale.
void fake_quantize_row(const float* x, const FakeQuantization& with, float* out, int64_t n);
// out[i] = grad[i] where x[i] was not clamped, else 0.
void fake_quantize_gradient_row(const float* grad, const float* x, const FakeQuantization& with, float* out,
                                int64_t n);
// The same, and for a scale and a zero point that are learned: adds the sums of grad[i] times the derivative
// of the rounded x[i] by the scale to sums[0], by the zero point to sums[1]. Rounding counts as the identity.
void learnable_fake_quantize_gradient_row(const float* grad, const float* x, const FakeQuantization& with,
                                          float* out, double* sums, int64_t n);

// The sum of the squares of what rounding changes.
double squared_error_row(const float* x, const FakeQuantization& with, int64_t n);

}  // namespace octavo::kernels
