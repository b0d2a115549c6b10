// Where the matrices of an attention's operands begin.
#pragma once

#include <algorithm>

#include "tensor/tensor_desc.h"

namespace octavo {

// Offsets of a tensor's matrices, one for each index of the leading extents of the scores, in elements. Each
// matrix serves `group` heads that follow one another.
class HeadMatrices {
 public:
  HeadMatrices(const TensorDesc& desc, const Dims& scores, int64_t group) : group_(group) {
    const size_t rank = scores.size(), missing = rank - desc.shape.size();
    for (size_t axis = 0; axis < rank; axis++) {
      const bool repeats = axis < missing || (desc.shape[axis - missing] == 1 && scores[axis] > 1);
      strides_.push_back(repeats ? 0 : desc.strides[axis - missing]);
    }
    extents_.assign(scores.begin(), scores.end() - 2);
  }

  // Of a row.
  int64_t offset(int64_t head, int64_t row) const {
    int64_t offset = row * down();
    for (size_t axis = extents_.size(); axis-- > 0; head /= extents_[axis]) {
      const int64_t at = head % extents_[axis];
      offset += (axis + 1 == extents_.size() ? at / group_ : at) * strides_[axis];
    }
    return offset;
  }
  int64_t down() const { return strides_[strides_.size() - 2]; }
  int64_t right() const { return strides_.back(); }

 private:
  int64_t group_;
  Dims extents_, strides_;
};

}  // namespace octavo
