#include "kernels/arithmetic.h"

#include "kernels/multiversion.h"

namespace octavo::kernels {

OCTAVO_MULTIVERSION void add_rows(const float* a, const float* b, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = a[i] + b[i];
}

OCTAVO_MULTIVERSION void subtract_rows(const float* a, const float* b, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = a[i] - b[i];
}

OCTAVO_MULTIVERSION void multiply_rows(const float* a, const float* b, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = a[i] * b[i];
}

OCTAVO_MULTIVERSION void divide_rows(const float* a, const float* b, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = a[i] / b[i];
}

OCTAVO_MULTIVERSION void maximum_rows(const float* a, const float* b, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = a[i] > b[i] || a[i] != a[i] ? a[i] : b[i];
}

OCTAVO_MULTIVERSION void minimum_rows(const float* a, const float* b, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = a[i] < b[i] || a[i] != a[i] ? a[i] : b[i];
}

OCTAVO_MULTIVERSION void scale_shift_rows(const float* a, const float* scale, const float* shift, float* out,
                                          int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = a[i] * scale[i] + shift[i];
}

OCTAVO_MULTIVERSION void scale_sums(const int32_t* sums, const float* factor, const float* offset, float* out,
                                    int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = static_cast<float>(sums[i]) * factor[i] + offset[i];
}

OCTAVO_MULTIVERSION void add_scaled_rows(const float* a, const float* b, float scale, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = a[i] + b[i] * scale;
}

OCTAVO_MULTIVERSION void linear_row(const float* a, float factor, float offset, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = a[i] * factor + offset;
}

OCTAVO_MULTIVERSION void divide_row(const float* a, float divisor, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = a[i] / divisor;
}

OCTAVO_MULTIVERSION void clip_row(const float* a, float low, float high, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    const float raised = a[i] < low ? low : a[i];
    out[i] = raised > high ? high : raised;
  }
}

OCTAVO_MULTIVERSION void leaky_relu_row(const float* a, float slope, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = a[i] > 0 ? a[i] : a[i] * slope;
}

OCTAVO_MULTIVERSION void hardsigmoid_row(const float* a, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    const float raised = a[i] + 3.0f < 0.0f ? 0.0f : a[i] + 3.0f;
    out[i] = (raised > 6.0f ? 6.0f : raised) / 6.0f;
  }
}

OCTAVO_MULTIVERSION void hardswish_row(const float* a, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    const float raised = a[i] + 3.0f < 0.0f ? 0.0f : a[i] + 3.0f;
    out[i] = a[i] * (raised > 6.0f ? 6.0f : raised) / 6.0f;
  }
}

}  // namespace octavo::kernels
