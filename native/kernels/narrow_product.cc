#include "kernels/narrow_product.h"

#include <algorithm>
#include <cstring>

#include "kernels/float_rows.h"
#include "kernels/multiversion.h"

namespace octavo::kernels {

namespace {
constexpr int64_t kTerms = 256;  // of a widened tile: 16 KiB, which stay in the first-level cache
constexpr int64_t kRows = 4;     // with their sums in registers

// One value for each channel; the compiler splits it into registers.
typedef float Channels __attribute__((vector_size(kNarrowChannels * sizeof(float)), aligned(4)));

template <int64_t rows>
OCTAVO_INLINE void multiply_tile(const float* x, int64_t step, const float* tile, int64_t terms,
                                 float* sums) {
  Channels sum[rows];
  for (int64_t r = 0; r < rows; r++) std::memcpy(&sum[r], sums + r * kNarrowChannels, sizeof(Channels));
  for (int64_t k = 0; k < terms; k++) {
    Channels weights;
    std::memcpy(&weights, tile + k * kNarrowChannels, sizeof(Channels));
    for (int64_t r = 0; r < rows; r++) sum[r] += x[r * step + k] * weights;
  }
  for (int64_t r = 0; r < rows; r++) std::memcpy(sums + r * kNarrowChannels, &sum[r], sizeof(Channels));
}

OCTAVO_MULTIVERSION void multiply_rows_by_tile(const float* x, int64_t step, int64_t rows, const float* tile,
                                               int64_t terms, float* sums) {
  int64_t r = 0;
  for (; r + kRows <= rows; r += kRows)
    multiply_tile<kRows>(x + r * step, step, tile, terms, sums + r * kNarrowChannels);
  for (; r < rows; r++) multiply_tile<1>(x + r * step, step, tile, terms, sums + r * kNarrowChannels);
}
}  // namespace

int64_t narrow_elements(int64_t channels, int64_t terms) {
  return (channels + kNarrowChannels - 1) / kNarrowChannels * kNarrowChannels * terms;
}

void pack_narrow(size_t element_size, const void* weights, int64_t channels, int64_t terms, void* packed) {
  const auto* from = static_cast<const char*>(weights);
  auto* to = static_cast<char*>(packed);
  std::memset(to, 0, static_cast<size_t>(narrow_elements(channels, terms)) * element_size);
  for (int64_t channel = 0; channel < channels; channel++)
    for (int64_t k = 0; k < terms; k++) {
      const int64_t block = channel / kNarrowChannels, lane = channel % kNarrowChannels;
      std::memcpy(to + ((block * terms + k) * kNarrowChannels + lane) * element_size,
                  from + (channel * terms + k) * element_size, element_size);
    }
}

void multiply_narrow(DType dtype, const float* x, int64_t rows, int64_t terms, const void* block,
                     float* sums) {
  alignas(64) float tile[kTerms * kNarrowChannels];
  std::fill(sums, sums + rows * kNarrowChannels, 0.0f);
  for (int64_t begin = 0; begin < terms; begin += kTerms) {
    const int64_t count = std::min(kTerms, terms - begin);
    const auto* narrow =
        static_cast<const char*>(block) + begin * kNarrowChannels * static_cast<int64_t>(dtype_size(dtype));
    load_row(dtype, narrow, tile, count * kNarrowChannels, 1, 0);
    multiply_rows_by_tile(x + begin, terms, rows, tile, count, sums);
  }
}

}  // namespace octavo::kernels
