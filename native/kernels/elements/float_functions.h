// The error function, sine and cosine of float32 rows, in loops that vectorize. `out` may be `a`.
#pragma once

#include <cstdint>

namespace octavo::kernels {

// Each within 3 units in the last place.
void erf_row(const float* a, float* out, int64_t n);
void sin_row(const float* a, float* out, int64_t n);
void cos_row(const float* a, float* out, int64_t n);

}  // namespace octavo::kernels
