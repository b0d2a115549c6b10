// Integers of a request that choose positions along an extent of another tensor, in any memory order.
#pragma once

#include <optional>
#include <string>

#include "contract/input_value.h"
#include "contract/scratch.h"
#include "rows/strided.h"

namespace octavo {

// The caller may write to its memory while the request runs. So the integers are read once, into the step's
// scratchpad: what was checked is what is used.
class IndexTensor {
 public:
  // Reserves room for the copy. Throws std::invalid_argument unless the input is int64 or int32.
  IndexTensor(const StepSpec& spec, size_t index, const char* what, ScratchLayout& scratch);

  const TensorDesc& desc() const { return input_.desc(); }
  // A row-major copy, made now, of positions along an extent. Throws std::out_of_range that names the step,
  // the index and the extent.
  int64_t* read(const Buffers& buffers, int64_t extent, bool wraps) const;

 private:
  std::string step_;
  InputValue input_;
  std::optional<StridedConversion> copy_;
  size_t offset_;
};

}  // namespace octavo
