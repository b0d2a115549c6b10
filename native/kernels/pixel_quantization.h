// Images of few channels, as cameras and decoders give them, quantized to bytes that lie pixel by pixel.
#pragma once

#include <cstdint>

#include "kernels/quantization.h"

namespace octavo::kernels {

// Two channels or more, up to so many.
constexpr int64_t kPixelChannels = 4;

// pixels[i * channels + c] = the low byte of what src[c * channel_step + i] becomes.
void quantize_pixels(const float* src, int64_t channel_step, uint8_t* pixels, int64_t channels, int64_t count,
                     const Quantization& to);

}  // namespace octavo::kernels
