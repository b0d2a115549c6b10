// Arithmetic on rows of float32 values. `out` may be one of the inputs.
#pragma once

#include <cstdint>

namespace octavo::kernels {

using BinaryRow = void (*)(const float* a, const float* b, float* out, int64_t n);

void add_rows(const float* a, const float* b, float* out, int64_t n);
void subtract_rows(const float* a, const float* b, float* out, int64_t n);
void multiply_rows(const float* a, const float* b, float* out, int64_t n);
void divide_rows(const float* a, const float* b, float* out, int64_t n);
// NaN in either operand results in NaN, as in PyTorch.
void maximum_rows(const float* a, const float* b, float* out, int64_t n);
void minimum_rows(const float* a, const float* b, float* out, int64_t n);
// out = a * scale + shift, element by element.
void scale_shift_rows(const float* a, const float* scale, const float* shift, float* out, int64_t n);
// out = sums * factor + offset, element by element.
void scale_sums(const int32_t* sums, const float* factor, const float* offset, float* out, int64_t n);
// out = a + b * scale.
void add_scaled_rows(const float* a, const float* b, float scale, float* out, int64_t n);
// out = a * factor + offset.
void linear_row(const float* a, float factor, float offset, float* out, int64_t n);
// out = a / divisor.
void divide_row(const float* a, float divisor, float* out, int64_t n);
// min(max(a, low), high); NaN stays NaN.
void clip_row(const float* a, float low, float high, float* out, int64_t n);
// a if positive, a * slope otherwise.
void leaky_relu_row(const float* a, float slope, float* out, int64_t n);
// clip(a / 6 + 1 / 2, 0, 1)
void hardsigmoid_row(const float* a, float* out, int64_t n);
// a * hardsigmoid(a)
void hardswish_row(const float* a, float* out, int64_t n);

}  // namespace octavo::kernels
