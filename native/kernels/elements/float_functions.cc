#include "kernels/elements/float_functions.h"

#include <cmath>

#include "kernels/exponential.h"
#include "kernels/multiversion.h"

namespace octavo::kernels {

namespace {
// The polynomials are minimax fits: of erf(x) / x in x^2 from 0 to 1, and of -log(erfc(x)) in x from 1 to 4.
OCTAVO_INLINE float error_function(float x) {
  const float z = x * x;
  float near = 7.88911954e-05f;
  near = near * z - 0.000802084128f;
  near = near * z + 0.00518953534f;
  near = near * z - 0.0268544446f;
  near = near * z + 0.112836002f;
  near = near * z - 0.376126271f;
  near = near * z + 1.12837917f;
  const float magnitude = x < 0 ? -x : x;
  // From 4 on all results are 1.
  const float t = magnitude > 4.0f ? 4.0f : magnitude;
  float log = 2.16868499e-05f;
  log = log * t - 0.000441336376f;
  log = log * t + 0.00420456187f;
  log = log * t - 0.0252082567f;
  log = log * t + 0.108418577f;
  log = log * t + 0.633219893f;
  log = log * t + 1.12957842f;
  log = log * t - 0.000188040224f;
  const float far = 1.0f - exponential(-log);
  const float signed_far = x < 0 ? -far : far;
  return magnitude < 1.0f ? near * x : signed_far;
}

// Up to here the distance from a multiple of pi / 2 is exact enough in float64.
constexpr float kLargest = 1e5f;

// sin(x + quarter * pi / 2), for |x| up to kLargest.
OCTAVO_INLINE float sine(float x, int32_t quarter) {
  constexpr double kTwoOverPi = 0.63661977236758134308, kHalfPi = 1.57079632679489661923;
  const double turns = __builtin_rint(static_cast<double>(x) * kTwoOverPi);
  const auto r = static_cast<float>(static_cast<double>(x) - turns * kHalfPi);
  const int32_t quadrant = static_cast<int32_t>(turns) + quarter;
  // Cephes' polynomials.
  const float z = r * r;
  float s = -1.9515295891e-4f;
  s = s * z + 8.3321608736e-3f;
  s = s * z - 1.6666654611e-1f;
  const float sin_r = s * z * r + r;
  float c = 2.443315711809948e-5f;
  c = c * z - 1.388731625493765e-3f;
  c = c * z + 4.166664568298827e-2f;
  const float cos_r = c * z * z - 0.5f * z + 1.0f;
  const float value = (quadrant & 1) != 0 ? cos_r : sin_r;
  return (quadrant & 2) != 0 ? -value : value;
}

// Whether all values are at most kLargest; NaN is not.
OCTAVO_MULTIVERSION bool all_moderate(const float* a, int64_t n) {
  int32_t large = 0;
  for (int64_t i = 0; i < n; i++) large |= !(std::fabs(a[i]) <= kLargest);
  return large == 0;
}

OCTAVO_MULTIVERSION void moderate_sines(const float* a, float* out, int64_t n, int32_t quarter) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; i++) out[i] = sine(a[i], quarter);
}
}  // namespace

OCTAVO_MULTIVERSION void erf_row(const float* a, float* out, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; i++) out[i] = error_function(a[i]);
}

void sin_row(const float* a, float* out, int64_t n) {
  if (all_moderate(a, n)) return moderate_sines(a, out, n, 0);
  for (int64_t i = 0; i < n; i++) out[i] = std::sin(a[i]);
}

void cos_row(const float* a, float* out, int64_t n) {
  if (all_moderate(a, n)) return moderate_sines(a, out, n, 1);
  for (int64_t i = 0; i < n; i++) out[i] = std::cos(a[i]);
}

}  // namespace octavo::kernels
