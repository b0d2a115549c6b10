#include "observe/histogram.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "observe/simd.h"

namespace octavo::observe {

namespace {
// Elements whose bins are found together before they are counted.
constexpr size_t kBlock = 1024;
// Tables that neighbouring elements are counted in: equal neighbours would wait for each other in one.
constexpr size_t kTables = 4;
// Parts PyTorch cuts a bin into when the range grows (HistogramObserver.upsample_rate).
constexpr size_t kUpsampling = 16;

// Elements that are not counted get bin `bins`.
OCTAVO_SIMD_CLONES void find_bins(const float* data, size_t count, float min, float max, int32_t bins,
                                  int32_t* found) {
  const float scale = static_cast<float>(bins), width = max - min;
  for (size_t i = 0; i < count; i++) {
    const float x = data[i];
    const bool inside = x >= min && x <= max;
    const float place = ((inside ? x : min) - min) * scale / width;
    // Written so that NaN, which a range without width gives, counts in the last bin as well.
    const float bin = place < scale ? place : scale - 1;
    found[i] = inside ? static_cast<int32_t>(bin) : bins;
  }
}

// torch.linspace as PyTorch's AVX builds compute it: from both ends towards the middle, with fused
// multiply-adds.
std::vector<float> linspace(const Range& range, size_t steps) {
  std::vector<float> points(steps);
  const float step = (range.max - range.min) / static_cast<float>(steps - 1);
  for (size_t i = 0; i < steps; i++)
    points[i] = i < steps / 2 ? std::fma(step, static_cast<float>(i), range.min)
                              : std::fma(-step, static_cast<float>(steps - 1 - i), range.max);
  return points;
}
}  // namespace

void histogram(const float* data, size_t count, const Range& range, size_t bins, float* counts) {
  const size_t slots = bins + 1;
  std::vector<uint32_t> tables(kTables * slots);
  int32_t found[kBlock];
  for (size_t start = 0; start < count; start += kBlock) {
    const size_t length = std::min(kBlock, count - start);
    find_bins(data + start, length, range.min, range.max, static_cast<int32_t>(bins), found);
    for (size_t i = 0; i < length; i++) tables[i % kTables * slots + found[i]]++;
  }
  for (size_t bin = 0; bin < bins; bin++) {
    uint64_t sum = 0;
    for (size_t table = 0; table < kTables; table++) sum += tables[table * slots + bin];
    counts[bin] = static_cast<float>(sum);
  }
}

void rescale_histogram(const float* counts, size_t bins, const Range& from, const Range& to, float* sums) {
  const size_t parts = bins * kUpsampling;
  const std::vector<float> starts = linspace(from, parts + 1);
  const std::vector<float> edges = linspace(to, bins + 1);
  const float half = 0.5f * ((from.max - from.min) / static_cast<float>(parts));
  std::vector<float> moved(bins);
  for (size_t part = 0; part < parts; part++) {
    const float middle = starts[part] + half;
    const auto above = std::upper_bound(edges.begin(), edges.end(), middle) - edges.begin();
    const auto bin = std::clamp<ptrdiff_t>(above - 1, 0, static_cast<ptrdiff_t>(bins) - 1);
    moved[bin] += counts[part / kUpsampling] / static_cast<float>(kUpsampling);
  }
  for (size_t bin = 0; bin < bins; bin++) sums[bin] += moved[bin];
}

}  // namespace octavo::observe
