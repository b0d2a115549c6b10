// Pooling over the windows of an image or a signal, read and checked.
#pragma once

#include <algorithm>
#include <vector>

#include "contract/step.h"
#include "kernels/row_conversion.h"

namespace octavo {

enum class PoolAlgorithm { max, avg_include_padding, avg_exclude_padding, avg_adaptive };

// The window of one output position along one axis: its positions in the input, and the number of positions
// that an average over padding counts.
struct PoolWindow {
  int64_t begin, end, step, counted;

  // Positions inside the input.
  int64_t inside() const { return (end - begin + step - 1) / step; }
};

// One spatial axis.
struct PoolAxis {
  int64_t in, out, kernel, stride, padding, padding_end, dilation;

  int64_t reach() const { return (kernel - 1) * dilation + 1; }
  // Positions beyond the input's end that the last window covers; negative if it ends before.
  int64_t used_padding_end() const { return (out - 1) * stride + reach() - in - padding; }

  PoolWindow window(int64_t position) const {
    const int64_t first = position * stride - padding;
    const int64_t last = std::min(first + reach(), in + padding_end);
    int64_t begin = first;
    if (begin < 0) begin += (-begin + dilation - 1) / dilation * dilation;
    return {begin, std::min(first + reach(), in), dilation, last - first};
  }

  // Parts as equal as integers allow, as in PyTorch.
  PoolWindow adaptive_window(int64_t position) const {
    const int64_t begin = position * in / out, end = ((position + 1) * in + out - 1) / out;
    return {begin, end, 1, end - begin};
  }
};

struct PoolProblem {
  TensorDesc src, dst;
  PoolAlgorithm algorithm;
  std::vector<PoolAxis> axes;  // one or two
  double divisor;              // 0: the number of counted positions
  kernels::Affine source, target;

  explicit PoolProblem(const StepSpec& spec);
  bool is_plain() const { return source.scale == target.scale && source.zero_point == target.zero_point; }

 private:
  void use_even_windows();
};

}  // namespace octavo
