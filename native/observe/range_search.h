// Which part of a histogram to quantize so that the squared error is least.
#pragma once

#include <cstddef>

#include "observe/histogram.h"

namespace octavo::observe {

struct BinRange {
  size_t first;
  size_t last;  // included
};

// HistogramObserver._non_linear_param_search: outer bins are cut off by small quantiles, from the side where
// a step drops more bins, for as long as quantization_error() does not grow.
BinRange search_range(const float* counts, size_t bins, const Range& range, size_t levels);

// The squared error of quantizing the whole histogram onto `levels` equal steps laid over `chosen`, each
// bin's elements taken as spread evenly over it (HistogramObserver._compute_quantization_error).
float quantization_error(const float* counts, size_t bins, const Range& range, const BinRange& chosen,
                         size_t levels);

}  // namespace octavo::observe
