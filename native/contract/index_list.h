// Integers of a request that say where to read.
#pragma once

#include <string>

#include "contract/input_value.h"
#include "contract/scratch.h"

namespace octavo {

// The caller may write to its memory while the request runs. So the integers are read once, into the step's
// scratchpad: what was checked is what is used.
class IndexList {
 public:
  // Reserves room for the copy. Throws std::invalid_argument unless the input is row-major int64 or int32.
  IndexList(const StepSpec& spec, size_t index, const char* what, ScratchLayout& scratch);

  const TensorDesc& desc() const { return input_.desc(); }
  // The copy, made now. It lives as long as the scratchpad.
  const int64_t* copy(const Buffers& buffers) const;
  // The copy of indices of a table's rows. Throws std::out_of_range for one that is outside, where `step` is
  // to blame.
  const int64_t* copy_rows(const Buffers& buffers, int64_t rows, const std::string& step) const;

 private:
  InputValue input_;
  size_t offset_;
};

}  // namespace octavo
