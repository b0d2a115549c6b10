// Histograms over equal bins of a range, with PyTorch's arithmetic to the last bit.
#pragma once

#include <cstddef>

namespace octavo::observe {

struct Range {
  float min;
  float max;
};

// Counts `data` into `bins` bins of `range` (torch.histc with a range whose ends differ). Elements outside
// the range and NaNs are not counted; the last bin includes the upper end.
void histogram(const float* data, size_t count, const Range& range, size_t bins, float* counts);

// Adds a histogram over `from` to `sums`, a histogram over the wider range `to` of the same number of
// bins (HistogramObserver._upscale_histogram): each bin is cut into 16 equal parts, and each part falls
// into the bin that holds its middle.
void rescale_histogram(const float* counts, size_t bins, const Range& from, const Range& to, float* sums);

}  // namespace octavo::observe
