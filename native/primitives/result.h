// A step's output in the layout a primitive works on: written where it belongs where it has that layout,
// reordered after every run otherwise.
#pragma once

#include <optional>
#include <string>

#include "onednn/reorder.h"
#include "primitives/scratch.h"

namespace octavo {

class Result {
 public:
  // `given`: how the output's elements shall lie; `written`: how the primitive writes them, under the same
  // shape.
  Result(const TensorDesc& given, const TensorDesc& written, ScratchLayout& scratch);

  // Where the primitive shall write.
  void* target(void* output, void* scratchpad) const;
  // Brings what it wrote to the output.
  void finish(void* output, void* scratchpad);

  // "+jit:uni" where every run reorders, else empty.
  std::string suffix() const;

 private:
  std::optional<onednn::Primitive> reorder_;
  size_t written_offset_ = 0;
  size_t reorder_scratch_offset_ = 0;
};

}  // namespace octavo
