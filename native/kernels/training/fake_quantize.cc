#include "kernels/training/fake_quantize.h"

#include <cmath>

#include "kernels/multiversion.h"

namespace octavo::kernels {

namespace {
OCTAVO_INLINE float integer_of(float x, const FakeQuantization& with) {
  return std::nearbyint(x * with.inverse) + with.zero_point;
}

OCTAVO_INLINE float rounded(float x, const FakeQuantization& with) {
  float value = integer_of(x, with);
  value = value < with.lowest ? with.lowest : value;
  value = value > with.highest ? with.highest : value;
  return (value - with.zero_point) * with.scale;
}

// Sums at once, so that additions need not wait for each other.
constexpr int kSums = 16;

OCTAVO_INLINE double total(const double* sums) {
  double all = 0;
  for (int i = 0; i < kSums; i++) all += sums[i];
  return all;
}

// One element of the gradient, and what it adds to the scale's and the zero point's.
OCTAVO_INLINE float gradient_of(float grad, float x, const FakeQuantization& with, double& scale,
                                double& zero_point) {
  const float value = integer_of(x, with);
  const bool is_inside = value >= with.lowest && value <= with.highest;
  const float end = value < with.lowest ? with.lowest : with.highest;
  // Computed for every element, so that the compiler has nothing to branch for.
  const float error = (value - with.zero_point) * with.scale - x;
  const float by_rounding = error * with.inverse, by_clamping = end - with.zero_point;
  const float clamped = is_inside ? 0.0f : grad;
  scale += grad * (is_inside ? by_rounding : by_clamping);
  zero_point -= clamped * with.scale;
  return is_inside ? grad : 0.0f;
}
}  // namespace

OCTAVO_MULTIVERSION void fake_quantize_row(const float* x, const FakeQuantization& with, float* out,
                                           int64_t n) {
  const FakeQuantization q = with;
  for (int64_t i = 0; i < n; i++) out[i] = rounded(x[i], q);
}

OCTAVO_MULTIVERSION void fake_quantize_gradient_row(const float* grad, const float* x,
                                                    const FakeQuantization& with, float* out, int64_t n) {
  const FakeQuantization q = with;
  for (int64_t i = 0; i < n; i++) {
    const float value = integer_of(x[i], q);
    out[i] = value >= q.lowest && value <= q.highest ? grad[i] : 0.0f;
  }
}

OCTAVO_MULTIVERSION void learnable_fake_quantize_gradient_row(const float* grad, const float* x,
                                                              const FakeQuantization& with, float* out,
                                                              double* sums, int64_t n) {
  const FakeQuantization q = with;
  double scale[kSums] = {}, zero_point[kSums] = {};
  int64_t i = 0;
  for (; i + kSums <= n; i += kSums)
    for (int k = 0; k < kSums; k++)
      out[i + k] = gradient_of(grad[i + k], x[i + k], q, scale[k], zero_point[k]);
  for (; i < n; i++) out[i] = gradient_of(grad[i], x[i], q, scale[0], zero_point[0]);
  sums[0] += total(scale);
  sums[1] += total(zero_point);
}

OCTAVO_MULTIVERSION double squared_error_row(const float* x, const FakeQuantization& with, int64_t n) {
  const FakeQuantization q = with;
  double sums[kSums] = {};
  int64_t i = 0;
  for (; i + kSums <= n; i += kSums)
    for (int k = 0; k < kSums; k++) {
      const float error = rounded(x[i + k], q) - x[i + k];
      sums[k] += error * error;
    }
  for (; i < n; i++) {
    const float error = rounded(x[i], q) - x[i];
    sums[0] += error * error;
  }
  return total(sums);
}

}  // namespace octavo::kernels
