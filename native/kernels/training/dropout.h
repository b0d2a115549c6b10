// Random masks for dropout.
#pragma once

#include <cstdint>

namespace octavo::kernels {

// out[i] = 0 with the probability that `threshold` is of 2^32, otherwise `kept`: a function of the key and of
// first + i alone, so that any division among threads gives the same mask.
void dropout_row(uint64_t key, uint64_t first, uint32_t threshold, float kept, float* out, int64_t n);

// A key that two different pairs hardly share.
uint64_t dropout_key(uint64_t seed, uint64_t number);

}  // namespace octavo::kernels
