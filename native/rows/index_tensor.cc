#include "rows/index_tensor.h"

#include <stdexcept>

namespace octavo {

IndexTensor::IndexTensor(const StepSpec& spec, size_t index, const char* what, ScratchLayout& scratch)
    : step_(spec.op + " '" + spec.node + "'"), input_(spec, index, what) {
  if (desc().dtype != DType::s64 && desc().dtype != DType::s32)
    throw std::invalid_argument(std::string(what) + " must be int64 or int32, got " + desc().to_string());
  const TensorDesc row_major{DType::s64, desc().shape, row_major_strides(desc().shape)};
  copy_.emplace(desc(), row_major, kernels::RowConversion::cast(desc().dtype, DType::s64));
  offset_ = scratch.reserve(static_cast<size_t>(desc().numel()) * sizeof(int64_t));
}

int64_t* IndexTensor::read(const Buffers& buffers, int64_t extent, bool wraps) const {
  auto* indices = static_cast<int64_t*>(ScratchLayout::at(buffers.scratchpad, offset_));
  copy_->execute(input_.data(buffers), indices);
  const int64_t first = wraps ? -extent : 0, count = desc().numel();
  for (int64_t i = 0; i < count; i++) {
    if (indices[i] < first || indices[i] >= extent)
      throw std::out_of_range(step_ + ": index " + std::to_string(indices[i]) +
                              " is out of range for an extent of " + std::to_string(extent));
    if (indices[i] < 0) indices[i] += extent;
  }
  return indices;
}

}  // namespace octavo
