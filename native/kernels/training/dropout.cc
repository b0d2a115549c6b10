#include "kernels/training/dropout.h"

#include "kernels/multiversion.h"

namespace octavo::kernels {

namespace {
// The output function of SplitMix64 (Steele, Lea and Flood, 2014): each bit depends on every bit of the
// counter.
OCTAVO_INLINE uint64_t mixed(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

constexpr uint64_t kStep = 0x9e3779b97f4a7c15u;
}  // namespace

OCTAVO_MULTIVERSION void dropout_row(uint64_t key, uint64_t first, uint32_t threshold, float kept, float* out,
                                     int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    const auto drawn =
        static_cast<uint32_t>(mixed(key + (first + static_cast<uint64_t>(i) + 1) * kStep) >> 32);
    out[i] = drawn < threshold ? 0.0f : kept;
  }
}

uint64_t dropout_key(uint64_t seed, uint64_t number) {
  return mixed(seed * kStep + mixed((number + 1) * kStep));
}

}  // namespace octavo::kernels
