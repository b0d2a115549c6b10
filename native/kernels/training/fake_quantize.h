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

}  // namespace octavo::kernels
