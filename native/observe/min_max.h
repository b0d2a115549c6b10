// Smallest and largest element, in one pass over memory.
#pragma once

#include <cstddef>

namespace octavo::observe {

// A row-major tensor folded around one axis: element (o, c, i) lies at (o * channels + c) * inner + i.
// Per-tensor statistics are those of one channel.
struct ChannelView {
  const float* data;
  size_t outer;
  size_t channels;
  size_t inner;
};

// Writes `channels` minima and maxima. Empty channels give +infinity and -infinity. NaNs are passed over.
// Returns whether the data holds a NaN.
bool min_max(const ChannelView& view, float* minima, float* maxima);

}  // namespace octavo::observe
