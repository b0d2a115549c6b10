// By how much two rows of values differ, in one pass over memory.
#pragma once

#include <cstddef>

namespace octavo::observe {

// In float64, and the same on every CPU. Where both values are the same infinity they are counted, but in no
// sum.
struct Differences {
  double count = 0;      // of elements
  double signal = 0;     // Σ x²
  double other = 0;      // Σ y²
  double product = 0;    // Σ x y
  double noise = 0;      // Σ (x - y)²; not finite where x or y is not, but for equal infinities
  double max_error = 0;  // the largest |x - y|

  void add(const Differences& more);
};

Differences differences(const float* x, const float* y, size_t count);

}  // namespace octavo::observe
