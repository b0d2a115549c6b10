// What fake quantization finds out about each channel of a tensor: its extremes, and sums over its elements.
#pragma once

#include <optional>

#include "contract/scratch.h"
#include "steps/quantization/channel_runs.h"

namespace octavo {

// The smallest and the largest element of every channel.
class ChannelExtremes {
 public:
  ChannelExtremes(const ChannelRuns& runs, ScratchLayout& scratch);

  struct Found {
    const float *minima, *maxima;
  };
  // Throws std::invalid_argument for NaN, of which there is no range.
  Found find(const float* x, void* scratchpad) const;

 private:
  ChannelRuns runs_;
  int64_t blocks_;
  size_t extremes_;
};

// Moves a range towards a new one: by the constant's part of the way, or, without a constant, to where it
// holds both. The first one is taken as it is. Throws std::invalid_argument for an infinite one.
void move_range(float& min, float& max, float new_min, float new_max, std::optional<float> constant);

// `kCount` sums a channel, in double precision. Their order does not depend on the number of threads.
template <int kCount>
class ChannelSums {
 public:
  ChannelSums(const ChannelRuns& runs, ScratchLayout& scratch)
      : runs_(runs),
        blocks_(runs.channels > 1 ? 0 : (runs.numel() + kQuantizedBlock - 1) / kQuantizedBlock),
        sums_(scratch.reserve(static_cast<size_t>(kCount * (runs.channels + blocks_)) * sizeof(double))) {}

  // body(first element, count, channel, sums to add to) for every run. Returns kCount sums a channel.
  template <typename Body>
  const double* add(void* scratchpad, const Body& body) const {
    auto* totals = static_cast<double*>(ScratchLayout::at(scratchpad, sums_));
    double* parts = totals + kCount * runs_.channels;
    std::fill_n(totals, kCount * (runs_.channels + blocks_), 0.0);
    const int64_t bytes = runs_.numel() * int64_t{sizeof(float)};
    if (blocks_ == 0) {
      kernels::parallel_for(runs_.channels, bytes, [&](int64_t c) { add_channel(c, totals, body); });
      return totals;
    }
    kernels::parallel_for(blocks_, bytes, [&](int64_t block) {
      const int64_t first = block * kQuantizedBlock;
      body(first, std::min(kQuantizedBlock, runs_.numel() - first), 0, parts + kCount * block);
    });
    for (int64_t i = 0; i < kCount * blocks_; i++) totals[i % kCount] += parts[i];
    return totals;
  }

 private:
  template <typename Body>
  void add_channel(int64_t channel, double* totals, const Body& body) const {
    for (int64_t o = 0; o < runs_.outer; o++)
      body((o * runs_.channels + channel) * runs_.inner, runs_.inner, channel, totals + kCount * channel);
  }

  ChannelRuns runs_;
  int64_t blocks_;
  size_t sums_;
};

}  // namespace octavo
