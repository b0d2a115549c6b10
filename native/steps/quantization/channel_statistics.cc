#include "steps/quantization/channel_statistics.h"

#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "observe/min_max.h"

namespace octavo {

namespace {
size_t size(int64_t n) { return static_cast<size_t>(n); }
}  // namespace

ChannelExtremes::ChannelExtremes(const ChannelRuns& runs, ScratchLayout& scratch)
    : runs_(runs),
      blocks_(runs.channels > 1 ? 1 : (runs.numel() + kQuantizedBlock - 1) / kQuantizedBlock),
      extremes_(scratch.reserve(size(2 * std::max(blocks_, runs.channels)) * sizeof(float))) {
  if (runs.numel() == 0) throw std::invalid_argument("an empty tensor has no range to quantize by");
}

ChannelExtremes::Found ChannelExtremes::find(const float* x, void* scratchpad) const {
  const auto [outer, channels, inner] = runs_;
  auto* minima = static_cast<float*>(ScratchLayout::at(scratchpad, extremes_));
  float* maxima = minima + std::max(blocks_, channels);
  bool has_nan = false;
  if (channels > 1) {
    has_nan = observe::min_max({x, size(outer), size(channels), size(inner)}, minima, maxima);
  } else {
    const int64_t count = runs_.numel();
    std::vector<char> nan(size(blocks_));
    kernels::parallel_for(blocks_, count * int64_t{sizeof(float)}, [&](int64_t block) {
      const int64_t first = block * kQuantizedBlock;
      const auto length = size(std::min(kQuantizedBlock, count - first));
      nan[size(block)] = observe::min_max({x + first, 1, 1, length}, minima + block, maxima + block);
    });
    for (const char block : nan) has_nan = has_nan || block;
    minima[0] = *std::min_element(minima, minima + blocks_);
    maxima[0] = *std::max_element(maxima, maxima + blocks_);
  }
  if (has_nan)
    throw std::invalid_argument("the tensor holds NaN, for which there are no quantization parameters");
  return {minima, maxima};
}

void move_range(float& min, float& max, float new_min, float new_max, std::optional<float> constant) {
  const bool is_first = std::isinf(min) || std::isinf(max);
  if (is_first) {
    min = new_min, max = new_max;
  } else if (constant) {
    min += *constant * (new_min - min), max += *constant * (new_max - max);
  } else {
    min = std::min(min, new_min), max = std::max(max, new_max);
  }
  if (!std::isfinite(min) || !std::isfinite(max))
    throw std::invalid_argument("values from " + std::to_string(min) + " to " + std::to_string(max) +
                                " have no quantization parameters");
}

}  // namespace octavo
