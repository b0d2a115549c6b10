// The largest elements under the windows of an image whose channels lie next to each other, row by row.
#pragma once

#include <vector>

#include "steps/reduction/pool_problem.h"

namespace octavo {

class WindowMaxima {
 public:
  // True for max pooling in a supported dtype.
  static bool takes(const PoolProblem& problem);

  // Images [N, C, H, W] of such a dtype, and the axes of H and W.
  WindowMaxima(const TensorDesc& src, const TensorDesc& dst, const PoolAxis& down, const PoolAxis& across);

  // Scratch bytes that row() needs for `channels` channels.
  size_t scratch_bytes(int64_t channels) const;
  // A row of results of `channels` channels: `src` points to the first channel in the image, `dst` to
  // the first in the row.
  void row(const char* src, char* dst, int64_t row, int64_t channels, void* scratch) const;

 private:
  // Results next to each other in a row whose windows are alike; `window` is the first of them.
  struct Stretch {
    int64_t column, count;
    PoolWindow window;
  };

  void find_stretches();
  // The maxima of `count` rows, under the windows across them.
  void across(const char* rows, int64_t count, int64_t row_step, int64_t pixel_step, char* dst,
              int64_t channels) const;

  DType dtype_;
  int64_t element_;  // its bytes; steps are in elements
  int64_t row_step_, pixel_step_, result_step_;
  PoolAxis down_, across_;
  std::vector<Stretch> stretches_;
  bool separately_;  // first down the columns, then across what came of them
};

}  // namespace octavo
