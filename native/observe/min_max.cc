#include "observe/min_max.h"

#include <cstdint>
#include <limits>

#include "observe/simd.h"

namespace octavo::observe {

namespace {
struct Extremes {
  float min;
  float max;
  uint32_t has_nan;
};

// `a < b ? a : b` with the new element first: a NaN element compares false and leaves the extreme alone.
OCTAVO_SIMD_CLONES Extremes of_segment(const float* data, size_t count) {
  alignas(64) float lowest[kLanes], highest[kLanes];
  alignas(64) uint32_t nan[kLanes];
  for (int lane = 0; lane < kLanes; lane++) {
    lowest[lane] = std::numeric_limits<float>::infinity();
    highest[lane] = -std::numeric_limits<float>::infinity();
    nan[lane] = 0;
  }
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (int lane = 0; lane < kLanes; lane++) {
      const float x = data[i + lane];
      lowest[lane] = x < lowest[lane] ? x : lowest[lane];
      highest[lane] = x > highest[lane] ? x : highest[lane];
      nan[lane] |= x != x ? ~0u : 0u;
    }
  Extremes all = {lowest[0], highest[0], nan[0]};
  for (int lane = 1; lane < kLanes; lane++) {
    all.min = lowest[lane] < all.min ? lowest[lane] : all.min;
    all.max = highest[lane] > all.max ? highest[lane] : all.max;
    all.has_nan |= nan[lane];
  }
  for (; i < count; i++) {
    const float x = data[i];
    all.min = x < all.min ? x : all.min;
    all.max = x > all.max ? x : all.max;
    all.has_nan |= x != x ? 1u : 0u;
  }
  return all;
}

// One element of every channel: the channels themselves are the lanes.
OCTAVO_SIMD_CLONES uint32_t of_row(const float* data, size_t channels, float* minima, float* maxima) {
  uint32_t has_nan = 0;
  for (size_t c = 0; c < channels; c++) {
    const float x = data[c];
    minima[c] = x < minima[c] ? x : minima[c];
    maxima[c] = x > maxima[c] ? x : maxima[c];
    has_nan |= x != x ? 1u : 0u;
  }
  return has_nan;
}
}  // namespace

bool min_max(const ChannelView& view, float* minima, float* maxima) {
  for (size_t c = 0; c < view.channels; c++) {
    minima[c] = std::numeric_limits<float>::infinity();
    maxima[c] = -std::numeric_limits<float>::infinity();
  }
  uint32_t has_nan = 0;
  for (size_t o = 0; o < view.outer; o++) {
    const float* block = view.data + o * view.channels * view.inner;
    if (view.inner == 1) {
      has_nan |= of_row(block, view.channels, minima, maxima);
      continue;
    }
    for (size_t c = 0; c < view.channels; c++) {
      const Extremes found = of_segment(block + c * view.inner, view.inner);
      minima[c] = found.min < minima[c] ? found.min : minima[c];
      maxima[c] = found.max > maxima[c] ? found.max : maxima[c];
      has_nan |= found.has_nan;
    }
  }
  return has_nan != 0;
}

}  // namespace octavo::observe
