// Quantizes images of few channels, as cameras and decoders deliver them, to channels-last bytes.
#pragma once

#include <cstdint>

#include "kernels/quantization.h"

namespace octavo::kernels {

// Supports 2 to `kPixelChannels` channels.
constexpr int64_t kPixelChannels = 4;

// pixels[i * channels + c] = the low byte of the integer that src[c * channel_step + i] quantizes to.
void quantize_pixels(const float* src, int64_t channel_step, uint8_t* pixels, int64_t channels, int64_t count,
                     const Quantization& to);

}  // namespace octavo::kernels
