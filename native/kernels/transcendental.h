// Transcendental functions on rows of float32 values. `out` may be `a`.
#pragma once

#include <cstdint>

namespace octavo::kernels {

void exp_row(const float* a, float* out, int64_t n);
// The natural logarithm.
void log_row(const float* a, float* out, int64_t n);
// 1 / (1 + e^-a)
void sigmoid_row(const float* a, float* out, int64_t n);
void tanh_row(const float* a, float* out, int64_t n);
// a * sigmoid(a)
void swish_row(const float* a, float* out, int64_t n);
// a * (1 + erf(a / sqrt(2))) / 2
void gelu_erf_row(const float* a, float* out, int64_t n);
// The same with erf through tanh, as PyTorch's approximate='tanh'.
void gelu_tanh_row(const float* a, float* out, int64_t n);

}  // namespace octavo::kernels
