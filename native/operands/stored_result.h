// A step's output in the layout a primitive works on: written where it belongs where it has that layout,
// copied there after every run otherwise.
#pragma once

#include <optional>
#include <string>

#include "contract/scratch.h"
#include "rows/strided.h"

namespace octavo {

class Result {
 public:
  // `given`: how the output's elements shall lie; `written`: how the primitive writes them, under the same
  // shape.
  Result(const TensorDesc& given, const TensorDesc& written, ScratchLayout& scratch);

  // Where the primitive shall write.
  void* target(void* output, void* scratchpad) const;
  // Brings what it wrote to the output.
  void finish(void* output, void* scratchpad) const;

  // "+octavo:copy" where every run copies, else empty.
  std::string suffix() const;

 private:
  std::optional<StridedConversion> copy_;
  size_t written_offset_ = 0;
};

}  // namespace octavo
