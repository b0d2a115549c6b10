#include "contract/index_list.h"

#include <algorithm>
#include <stdexcept>

namespace octavo {

IndexList::IndexList(const StepSpec& spec, size_t index, const char* what, ScratchLayout& scratch)
    : input_(spec, index, what) {
  if ((desc().dtype != DType::s64 && desc().dtype != DType::s32) || !desc().is_contiguous())
    throw std::invalid_argument(std::string(what) + " must be row-major int64 or int32, got " +
                                desc().to_string());
  offset_ = scratch.reserve(static_cast<size_t>(desc().numel()) * sizeof(int64_t));
}

const int64_t* IndexList::copy(const Buffers& buffers) const {
  auto* integers = static_cast<int64_t*>(ScratchLayout::at(buffers.scratchpad, offset_));
  const void* source = input_.data(buffers);
  if (desc().dtype == DType::s64)
    std::copy_n(static_cast<const int64_t*>(source), desc().numel(), integers);
  else
    std::copy_n(static_cast<const int32_t*>(source), desc().numel(), integers);
  return integers;
}

const int64_t* IndexList::copy_rows(const Buffers& buffers, int64_t rows, const std::string& step) const {
  const auto* indices = copy(buffers);
  for (int64_t i = 0; i < desc().numel(); i++)
    if (indices[i] < 0 || indices[i] >= rows)
      throw std::out_of_range(step + ": index " + std::to_string(indices[i]) +
                              " is out of range for a table of " + std::to_string(rows) + " rows");
  return indices;
}

}  // namespace octavo
