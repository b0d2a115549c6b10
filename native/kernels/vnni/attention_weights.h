// From the integer scores of a query to its weights as bytes, in AVX-512.
#pragma once

#include <cstdint>

namespace octavo::kernels {

// out = (scores - the largest) * factor, with factor > 0. `out` may lie where the scores do.
void centre_scores(const int32_t* scores, int64_t n, float factor, float* out);
// out = exp of that; returns the sum.
float exponentials_of_scores(const int32_t* scores, int64_t n, float factor, float* out);

// weights = min(round(exponentials * factor) + zero_point, 255), for what is not negative; returns their sum.
int32_t quantize_weights(const float* exponentials, int64_t n, float factor, int32_t zero_point,
                         uint8_t* weights);

// out = (sums - shift) * scale.
void scale_sums(const int32_t* sums, int64_t n, int32_t shift, float scale, float* out);

}  // namespace octavo::kernels
