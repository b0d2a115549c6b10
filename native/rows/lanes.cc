#include "rows/lanes.h"

namespace octavo {

Lanes::Lanes(const TensorDesc& tensor, const std::vector<size_t>& axes) {
  for (size_t axis = 0; axis < tensor.shape.size(); axis++) {
    const bool is_along = std::find(axes.begin(), axes.end(), axis) != axes.end();
    (is_along ? length_ : count_) *= tensor.shape[axis];
    append(is_along ? along_ : around_, tensor.shape[axis], tensor.strides[axis]);
  }
  if (along_.extents.empty()) along_ = {{1}, {1}};
}

// Neighbouring loops that walk evenly are one.
void Lanes::append(Loops& loops, int64_t extent, int64_t stride) {
  if (extent == 1) return;
  if (!loops.extents.empty() && loops.strides.back() == stride * extent) {
    loops.extents.back() *= extent;
    loops.strides.back() = stride;
    return;
  }
  loops.extents.push_back(extent);
  loops.strides.push_back(stride);
}

int64_t Lanes::offset(const Loops& loops, int64_t index) {
  int64_t offset = 0;
  for (size_t i = loops.extents.size(); i-- > 0;) {
    offset += index % loops.extents[i] * loops.strides[i];
    index /= loops.extents[i];
  }
  return offset;
}

}  // namespace octavo
