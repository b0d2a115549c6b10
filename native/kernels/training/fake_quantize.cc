#include "kernels/training/fake_quantize.h"

#include <cmath>

#include "kernels/multiversion.h"

namespace octavo::kernels {

namespace {
OCTAVO_INLINE float integer_of(float x, const FakeQuantization& with) {
  return std::nearbyint(x * with.inverse) + with.zero_point;
}
}  // namespace

OCTAVO_MULTIVERSION void fake_quantize_row(const float* x, const FakeQuantization& with, float* out,
                                           int64_t n) {
  const FakeQuantization q = with;
  for (int64_t i = 0; i < n; i++) {
    float value = integer_of(x[i], q);
    value = value < q.lowest ? q.lowest : value;
    value = value > q.highest ? q.highest : value;
    out[i] = (value - q.zero_point) * q.scale;
  }
}

OCTAVO_MULTIVERSION void fake_quantize_gradient_row(const float* grad, const float* x,
                                                    const FakeQuantization& with, float* out, int64_t n) {
  const FakeQuantization q = with;
  for (int64_t i = 0; i < n; i++) {
    const float value = integer_of(x[i], q);
    out[i] = value >= q.lowest && value <= q.highest ? grad[i] : 0.0f;
  }
}

}  // namespace octavo::kernels
