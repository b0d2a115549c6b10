// Sums over the window of a depthwise convolution: each channel has its own weights, int16 by int8, in
// 32 bits.
#pragma once

#include <cstdint>
#include <vector>

namespace octavo::kernels {

// The count of channels that are computed together.
constexpr int64_t kDepthwiseChannels = 16;

// The size, in elements, of the weights packed for `taps` taps of `channels` channels.
int64_t packed_depthwise_size(int64_t taps, int64_t channels);

// Packs row-major weights [channels, taps]. Channels missing from the last block are 0.
void pack_depthwise(const int8_t* weights, int64_t taps, int64_t channels, int16_t* packed);

// sums[p * sums_step + c] = sum over taps t of pixels[p][tap_offsets[t] + c] * weight, for the channels of
// blocks `first` to `last` (excluded), counted from the first block's first channel. Reads whole blocks: up
// to kDepthwiseChannels - 1 elements behind the last channel. Products fit 16 bits: |x| <= 255, |weight| <=
// 128.
void multiply_depthwise(const std::vector<int64_t>& tap_offsets, const int16_t* const* pixels, int64_t count,
                        const int16_t* packed, int64_t first, int64_t last, int32_t* sums, int64_t sums_step);

}  // namespace octavo::kernels
