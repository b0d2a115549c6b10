#include "kernels/transcendental.h"

#include <cstring>
#include <limits>

#include "kernels/sigmoid.h"

namespace octavo::kernels {

namespace {
// Abramowitz and Stegun 7.1.26, within 1.5e-7.
OCTAVO_INLINE float error_function(float x) {
  const float magnitude = x < 0 ? -x : x;
  const float t = 1.0f / (1.0f + 0.3275911f * magnitude);
  float p = 1.061405429f;
  p = p * t - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  const float result = 1.0f - p * t * exponential(-magnitude * magnitude);
  return x < 0 ? -result : result;
}

// Within 2 units in the last place of ln x.
OCTAVO_INLINE float logarithm(float x) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;
  // Scale subnormal numbers to normal ones first.
  const bool is_small = x < std::numeric_limits<float>::min();
  const float normal = is_small ? x * 8388608.0f : x;  // 2^23
  // normal = 2^k (1 + f) with 1 + f from sqrt(1 / 2) to sqrt(2).
  constexpr int32_t kRootOfHalf = 0x3f3504f3;
  int32_t bits;
  std::memcpy(&bits, &normal, sizeof bits);
  const int32_t exponent = (bits - kRootOfHalf) >> 23;
  bits -= static_cast<int32_t>(static_cast<uint32_t>(exponent) << 23);
  float f;
  std::memcpy(&f, &bits, sizeof f);
  f -= 1.0f;
  const float k = static_cast<float>(exponent - (is_small ? 23 : 0));
  // Cephes' polynomial.
  float p = 7.0376836292e-2f;
  p = p * f - 1.1514610310e-1f;
  p = p * f + 1.1676998740e-1f;
  p = p * f - 1.2420140846e-1f;
  p = p * f + 1.4249322787e-1f;
  p = p * f - 1.6668057665e-1f;
  p = p * f + 2.0000714765e-1f;
  p = p * f - 2.4999993993e-1f;
  p = p * f + 3.3333331174e-1f;
  const float square = f * f;
  const float result = f + (f * square * p + k * kLn2Low - 0.5f * square) + k * kLn2High;
  const float of_others = x == 0 ? -kInfinity : std::numeric_limits<float>::quiet_NaN();
  const float of_positive = x < kInfinity ? result : x;
  return x > 0 ? of_positive : of_others;
}
}  // namespace

OCTAVO_MULTIVERSION void exp_row(const float* a, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = exponential(a[i]);
}

OCTAVO_MULTIVERSION void log_row(const float* a, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = logarithm(a[i]);
}

OCTAVO_MULTIVERSION void sigmoid_row(const float* a, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = sigmoid(a[i]);
}

OCTAVO_MULTIVERSION void tanh_row(const float* a, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = hyperbolic_tangent(a[i]);
}

OCTAVO_MULTIVERSION void swish_row(const float* a, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = a[i] * sigmoid(a[i]);
}

OCTAVO_MULTIVERSION void gelu_erf_row(const float* a, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = 0.5f * a[i] * (1.0f + error_function(a[i] * 0.70710678f));
}

OCTAVO_MULTIVERSION void gelu_tanh_row(const float* a, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    const float x = a[i];
    out[i] = 0.5f * x * (1.0f + hyperbolic_tangent(0.79788456f * (x + 0.044715f * x * x * x)));
  }
}

}  // namespace octavo::kernels
