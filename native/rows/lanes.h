// The lanes of a tensor: for each index of the other axes, row-major, its elements along some axes,
// row-major.
#pragma once

#include <algorithm>
#include <vector>

#include "rows/typed_run.h"
#include "tensor/tensor_desc.h"

namespace octavo {

class Lanes {
 public:
  // `axes` must be in order, and each in range.
  Lanes(const TensorDesc& tensor, const std::vector<size_t>& axes);

  int64_t count() const { return count_; }
  // Elements of a lane.
  int64_t length() const { return length_; }
  // The first element of a lane; in elements from the tensor's first one.
  int64_t begin(int64_t lane) const { return offset(around_, lane); }
  // Between neighbours in a lane of one axis.
  int64_t step() const { return along_.strides.back(); }
  // How many lanes begin next to each other, one element apart: lanes 0 to n - 1, n to 2n - 1, ...
  int64_t side_by_side() const {
    return !around_.extents.empty() && around_.strides.back() == 1 ? around_.extents.back() : 1;
  }
  // The place of an element of the first lane, in elements.
  int64_t along(int64_t index) const { return offset(along_, index); }

  // Calls body(offset, step, n, first) for the lane's elements in order, at most kTypedRun at a time: n
  // elements from `offset` on, `step` apart, of which the first is the lane's element `first`.
  template <typename Body>
  void each_run(int64_t lane, const Body& body) const {
    if (length_ == 0) return;
    const int64_t start = begin(lane), inner = along_.extents.back(), step = along_.strides.back();
    for (int64_t row = 0; row < length_ / inner; row++) {
      // The last loop is walked here: its index is 0.
      const int64_t offset_of_row = start + offset(along_, row * inner);
      for (int64_t i = 0; i < inner; i += kTypedRun)
        body(offset_of_row + i * step, step, std::min(kTypedRun, inner - i), row * inner + i);
    }
  }

 private:
  struct Loops {
    Dims extents, strides;
  };

  static void append(Loops& loops, int64_t extent, int64_t stride);
  static int64_t offset(const Loops& loops, int64_t index);

  Loops around_, along_;
  int64_t count_ = 1, length_ = 1;
};

}  // namespace octavo
