// Sums over a channel's elements, in double precision, and what batch norm computes with them.
#pragma once

#include <cstdint>

namespace octavo::kernels {

// Elements side by side: `n` neighbouring channels of one pixel each.
// sums[i] += x[i], squares[i] += x[i] * x[i].
void add_pixel(const float* x, double* sums, double* squares, int64_t n);
// sums[i] += grad[i], products[i] += grad[i] * (x[i] - mean[i]).
void add_pixel_gradient(const float* grad, const float* x, const float* mean, double* sums, double* products,
                        int64_t n);
// out[i] = grad[i] * a[i] + x[i] * b[i] + c[i].
void combine_pixel(const float* grad, const float* x, const float* a, const float* b, const float* c,
                   float* out, int64_t n);

// One after the other: `n` elements of one channel.
void add_plane(const float* x, double* sum, double* square, int64_t n);
void add_plane_gradient(const float* grad, const float* x, float mean, double* sum, double* product,
                        int64_t n);
void combine_plane(const float* grad, const float* x, float a, float b, float c, float* out, int64_t n);

}  // namespace octavo::kernels
