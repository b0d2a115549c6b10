// Normalizes rows by their own statistics.
#pragma once

#include <cstdint>

namespace octavo::kernels {

// out = exp(x - max) / sum(exp(x - max)). A row of -infinity alone results in NaN, as in PyTorch. `out`
// may be x.
void softmax_row(const float* x, float* out, int64_t n);
// The same, but a row of -infinity alone results in zeros: there is nothing to attend to.
void masked_softmax_row(const float* x, float* out, int64_t n);
// The same before the division by the sum, which is returned.
float masked_exponentials_row(const float* x, float* out, int64_t n);
// out = x - max - log(sum(exp(x - max))).
void log_softmax_row(const float* x, float* out, int64_t n);
// out = (x - mean) / sqrt(variance + eps).
void standardize_row(const float* x, float* out, int64_t n, float eps);
// out = x / sqrt(mean of squares + eps).
void normalize_row(const float* x, float* out, int64_t n, float eps);

float sum_row(const float* x, int64_t n);
// Both return NaN if an element is NaN. n must not be 0.
float max_row(const float* x, int64_t n);
float min_row(const float* x, int64_t n);

}  // namespace octavo::kernels
