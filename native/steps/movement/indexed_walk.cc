#include "steps/movement/indexed_walk.h"

#include <algorithm>
#include <stdexcept>

#include "rows/pointwise.h"

namespace octavo {

namespace {
// The shape that the index tensors have together.
Dims common_shape(const StepSpec& spec, size_t first) {
  Dims shape;
  for (size_t i = first; i < spec.inputs.size(); i++) {
    const auto& own = spec.inputs[i].desc.shape;
    if (own.size() > shape.size()) shape.insert(shape.begin(), own.size() - shape.size(), 1);
    for (size_t j = 0; j < own.size(); j++)
      if (auto& extent = shape[shape.size() - own.size() + j]; extent == 1) extent = own[j];
  }
  return shape;
}

[[noreturn]] void refuse(const std::string& what) { throw std::invalid_argument(what); }
}  // namespace

IndexedWalk::IndexedWalk(const StepSpec& spec, const Dims& shape, const Dims& strides,
                         const TensorDesc& indexed, size_t first, ScratchLayout& scratch)
    : wraps_(spec.attributes.boolean("wraps", false)),
      index_shape_(common_shape(spec, first)),
      nest_(nest(spec, shape, strides, indexed, index_shape_)) {
  const Dims axes = spec.attributes.dims("axes");
  if (axes.empty() || spec.inputs.size() != first + axes.size())
    refuse(std::to_string(axes.size()) + " axes need as many index tensors, and at least one");
  for (int64_t axis : axes) {
    extents_.push_back(indexed.shape[axis]);
    steps_.push_back(indexed.strides[axis]);
  }
  for (size_t i = first; i < spec.inputs.size(); i++) {
    indices_.emplace_back(spec, i, "the indices", scratch);
    broadcast_strides(spec.inputs[i].desc, index_shape_);
  }
  int64_t count = 1;
  for (int64_t extent : index_shape_) count *= extent;
  sums_ = scratch.reserve(indices_.size() > 1 ? static_cast<size_t>(count) * sizeof(int64_t) : 0);
  for (int64_t extent : shape) numel_ *= extent;
}

LoopNest IndexedWalk::nest(const StepSpec& spec, const Dims& shape, const Dims& strides,
                           const TensorDesc& indexed, const Dims& index_shape) {
  const auto rank = static_cast<int64_t>(indexed.shape.size());
  const Dims axes = spec.attributes.dims("axes"), walks = spec.attributes.dims("walks");
  const int64_t position = spec.attributes.integer("position");
  if (walks.size() != shape.size() || position < 0 || position + index_shape.size() > shape.size())
    refuse("the index tensors' " + std::to_string(index_shape.size()) + " extents from axis " +
           std::to_string(position) + " on do not fit a walk of " + std::to_string(shape.size()));
  std::vector<bool> seen(indexed.shape.size(), false);
  const auto see = [&](int64_t axis) {
    if (axis < 0 || axis >= rank || seen[axis])
      refuse("axis " + std::to_string(axis) + " of " + indexed.to_string() + " is indexed twice or missing");
    seen[axis] = true;
  };
  for (int64_t axis : axes) see(axis);
  Dims along(shape.size(), 0), offsets(shape.size(), 0);
  for (size_t i = 0; i < shape.size(); i++) {
    if (walks[i] == -1) continue;
    see(walks[i]);
    along[i] = indexed.strides[walks[i]];
    if (shape[i] > indexed.shape[walks[i]])
      refuse("an extent of " + std::to_string(shape[i]) + " is walked along one of " +
             std::to_string(indexed.shape[walks[i]]) + " in " + indexed.to_string());
  }
  for (size_t axis = 0; axis < seen.size(); axis++)
    if (!seen[axis] && indexed.shape[axis] != 1)
      refuse("axis " + std::to_string(axis) + " of " + indexed.to_string() +
             " is neither indexed nor walked");
  const Dims index_strides = row_major_strides(index_shape);
  for (size_t i = 0; i < index_shape.size(); i++) {
    const int64_t extent = shape[position + i];
    if (index_shape[i] != extent && index_shape[i] != 1)
      refuse("index tensors of an extent of " + std::to_string(index_shape[i]) + " do not fit " +
             std::to_string(extent));
    offsets[position + i] = index_shape[i] == 1 ? 0 : index_strides[i];
  }
  return LoopNest(shape, {strides, along, offsets});
}

const int64_t* IndexedWalk::offsets(const Buffers& buffers) const {
  if (indices_.size() == 1) {
    int64_t* indices = indices_[0].read(buffers, extents_[0], wraps_);
    const int64_t count = indices_[0].desc().numel();
    for (int64_t i = 0; i < count; i++) indices[i] *= steps_[0];
    return indices;
  }
  auto* sums = static_cast<int64_t*>(ScratchLayout::at(buffers.scratchpad, sums_));
  const TensorDesc whole{DType::s64, index_shape_, row_major_strides(index_shape_)};
  std::fill_n(sums, whole.numel(), 0);
  for (size_t k = 0; k < indices_.size(); k++) {
    const int64_t* indices = indices_[k].read(buffers, extents_[k], wraps_);
    if (whole.numel() == 0) continue;
    const auto& shape = indices_[k].desc().shape;
    const LoopNest nest(
        index_shape_,
        {whole.strides, broadcast_strides({DType::s64, shape, row_major_strides(shape)}, index_shape_)});
    const size_t last = nest.extents.size() - 1;
    for (int64_t row = 0; row < whole.numel() / nest.extents[last]; row++) {
      int64_t* to = sums + nest.offset(0, row, last);
      const int64_t* from = indices + nest.offset(1, row, last);
      for (int64_t i = 0; i < nest.extents[last]; i++)
        to[i * nest.strides[0][last]] += from[i * nest.strides[1][last]] * steps_[k];
    }
  }
  return sums;
}

}  // namespace octavo
