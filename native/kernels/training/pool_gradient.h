// What one element of a window gets of the gradient of its pooled value, for neighbouring channels.
#pragma once

#include <cstdint>

namespace octavo::kernels {

// out[i] += left[i] where x[i] is the maximum, NaN included; nothing is left then.
void give_to_maxima(const float* x, const float* maxima, float* left, float* out, int64_t n);
// out[i] += grad[i] * factor.
void add_parts(const float* grad, float factor, float* out, int64_t n);

}  // namespace octavo::kernels
