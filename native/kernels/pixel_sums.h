// Adds rows of pixels to places of larger images.
#pragma once

#include <cstdint>

namespace octavo::kernels {

// to[pixel, channel] += from[pixel, channel]. Pixels begin `from_step` and `to_step` elements apart, their
// channels are contiguous.
void add_pixels(const float* from, int64_t from_step, float* to, int64_t to_step, int64_t pixels,
                int64_t channels);

// to[pixel, channel] = values[channel], or 0 without values. Pixels are contiguous.
void fill_pixels(const float* values, float* to, int64_t pixels, int64_t channels);

}  // namespace octavo::kernels
