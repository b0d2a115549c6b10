#include "kernels/depthwise_product.h"

#include <immintrin.h>

#include <algorithm>

namespace octavo::kernels {

namespace {
constexpr int64_t kPixels = 4;
// Two taps of a block of channels are stored as pairs, in the order in which AVX2 unpacks them.
constexpr int64_t kPairOrder[kDepthwiseChannels] = {0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15};

int64_t pairs_of(int64_t taps) { return (taps + 1) / 2; }

template <int kCount>
__attribute__((target("avx2"))) void multiply_avx2(const std::vector<int64_t>& taps,
                                                   const int16_t* const* pixels, const int16_t* weights,
                                                   int64_t channel, int32_t* sums, int64_t sums_step) {
  const auto load = [](const int16_t* at) __attribute__((target("avx2"))) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
  };
  __m256i low[kCount], high[kCount];
  // Unrolled, so that all loops over pixels keep the sums in registers.
#pragma GCC unroll 4
  for (int p = 0; p < kCount; p++) low[p] = high[p] = _mm256_setzero_si256();
  for (size_t t = 0; t < taps.size(); t += 2, weights += 2 * kDepthwiseChannels) {
    const __m256i w_low = load(weights), w_high = load(weights + kDepthwiseChannels);
    // An odd number of taps ends with one of weight 0.
    const int64_t first = taps[t] + channel, second = taps[std::min(t + 1, taps.size() - 1)] + channel;
#pragma GCC unroll 4
    for (int p = 0; p < kCount; p++) {
      const __m256i a = load(pixels[p] + first), b = load(pixels[p] + second);
      low[p] = _mm256_add_epi32(low[p], _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), w_low));
      high[p] = _mm256_add_epi32(high[p], _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), w_high));
    }
  }
#pragma GCC unroll 4
  for (int p = 0; p < kCount; p++) {
    auto* target = reinterpret_cast<__m256i*>(sums + p * sums_step);
    _mm256_storeu_si256(target, _mm256_permute2x128_si256(low[p], high[p], 0x20));
    _mm256_storeu_si256(target + 1, _mm256_permute2x128_si256(low[p], high[p], 0x31));
  }
}

void multiply_scalar(const std::vector<int64_t>& taps, const int16_t* pixel, const int16_t* weights,
                     int64_t channel, int32_t* sums) {
  std::fill_n(sums, kDepthwiseChannels, 0);
  for (size_t t = 0; t < taps.size(); t++) {
    const int16_t* pairs = weights + static_cast<int64_t>(t / 2) * 2 * kDepthwiseChannels + t % 2;
    for (int64_t i = 0; i < kDepthwiseChannels; i++)
      sums[kPairOrder[i]] += pixel[taps[t] + channel + kPairOrder[i]] * pairs[2 * i];
  }
}
}  // namespace

int64_t packed_depthwise_size(int64_t taps, int64_t channels) {
  return (channels + kDepthwiseChannels - 1) / kDepthwiseChannels * kDepthwiseChannels * 2 * pairs_of(taps);
}

void pack_depthwise(const int8_t* weights, int64_t taps, int64_t channels, int16_t* packed) {
  for (int64_t first = 0; first < channels; first += kDepthwiseChannels)
    for (int64_t tap = 0; tap < 2 * pairs_of(taps); tap += 2)
      for (const int64_t at : kPairOrder)
        for (int64_t t = tap; t < tap + 2; t++)
          *packed++ = first + at < channels && t < taps ? weights[(first + at) * taps + t] : 0;
}

void multiply_depthwise(const std::vector<int64_t>& tap_offsets, const int16_t* const* pixels, int64_t count,
                        const int16_t* packed, int64_t first, int64_t last, int32_t* sums,
                        int64_t sums_step) {
  static const bool avx2 = __builtin_cpu_supports("avx2");
  const int64_t block_size = 2 * pairs_of(static_cast<int64_t>(tap_offsets.size())) * kDepthwiseChannels;
  for (int64_t block = first; block < last; block++) {
    const int16_t* weights = packed + block * block_size;
    const int64_t channel = block * kDepthwiseChannels;
    int32_t* block_sums = sums + (block - first) * kDepthwiseChannels;
    for (int64_t p = 0; p < count;) {
      if (!avx2) {
        multiply_scalar(tap_offsets, pixels[p], weights, channel, block_sums + p * sums_step);
        p++;
      } else if (p + kPixels <= count) {
        multiply_avx2<kPixels>(tap_offsets, pixels + p, weights, channel, block_sums + p * sums_step,
                               sums_step);
        p += kPixels;
      } else {
        multiply_avx2<1>(tap_offsets, pixels + p, weights, channel, block_sums + p * sums_step, sums_step);
        p++;
      }
    }
  }
}

}  // namespace octavo::kernels
