#include "kernels/training/pool_gradient.h"

#include "kernels/multiversion.h"

namespace octavo::kernels {

OCTAVO_MULTIVERSION void give_to_maxima(const float* x, const float* maxima, float* left, float* out,
                                        int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    // Neither is NaN, or both are.
    const bool is_it =
        !(x[i] < maxima[i]) && !(x[i] > maxima[i]) && ((x[i] != x[i]) == (maxima[i] != maxima[i]));
    out[i] += is_it ? left[i] : 0.0f;
    left[i] = is_it ? 0.0f : left[i];
  }
}

OCTAVO_MULTIVERSION void add_parts(const float* grad, float factor, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] += grad[i] * factor;
}

}  // namespace octavo::kernels
