// A loop nest's rows in blocks of neighbours; a thread computes one block at a time. To find the
// beginning of a row costs a division for each loop, and rows along channels are short.
#pragma once

#include <algorithm>

#include "rows/strided.h"

namespace octavo {

class RowBlocks {
 public:
  // `elements`: the approximate size of a block. No extent may be 0.
  RowBlocks(const LoopNest& nest, int64_t elements)
      : nest_(nest), loops_(nest.extents.size() < 2 ? 0 : nest.extents.size() - 2) {
    if (nest.extents.size() > 1) along_ = nest.extents[loops_];
    rows_ = std::clamp<int64_t>(elements / nest.extents.back(), 1, along_);
    blocks_ = (along_ + rows_ - 1) / rows_;
    count_ = blocks_;
    for (size_t i = 0; i < loops_; i++) count_ *= nest.extents[i];
  }

  int64_t count() const { return count_; }

  // Calls body(offsets, steps, rows) for a block, with the first row's beginning in each operand and the way
  // from a row to the next one, in elements.
  template <typename Body>
  void whole(int64_t block, const Body& body) const {
    const size_t operands = nest_.strides.size();
    int64_t offsets[kMaxOperands], steps[kMaxOperands];
    const int64_t first = block % blocks_ * rows_, last = std::min(first + rows_, along_);
    for (size_t k = 0; k < operands; k++) {
      steps[k] = along_ > 1 ? nest_.strides[k][loops_] : 0;
      offsets[k] = nest_.offset(k, block / blocks_, loops_) + first * steps[k];
    }
    body(offsets, steps, last - first);
  }

  // Calls body(offsets) for every row of a block.
  template <typename Body>
  void each_row(int64_t block, const Body& body) const {
    each_run(block, 1, [&](const int64_t* offsets, int64_t) { body(offsets); });
  }

  // Calls body(offsets, rows) for up to `most` neighbouring rows at a time.
  template <typename Body>
  void each_run(int64_t block, int64_t most, const Body& body) const {
    whole(block, [&](int64_t* offsets, const int64_t* steps, int64_t rows) {
      for (int64_t i = 0; i < rows; i += most) {
        body(offsets, std::min(most, rows - i));
        for (size_t k = 0; k < nest_.strides.size(); k++) offsets[k] += most * steps[k];
      }
    });
  }

 private:
  static constexpr size_t kMaxOperands = 8;

  const LoopNest& nest_;
  size_t loops_;  // the loops around a block
  int64_t along_ = 1, rows_, blocks_, count_;
};

}  // namespace octavo
