// An operand in the layout a primitive works on: as it is where it has that layout, packed once where it is
// constant, reordered at every run otherwise.
#pragma once

#include <optional>

#include "contract/scratch.h"
#include "contract/step.h"
#include "onednn/reorder.h"

namespace octavo {

// A description that is equal for equal layouts: extents of 1 have a stride that does not matter.
dnnl::memory::desc layout_of(TensorDesc desc);

class Operand {
 public:
  // `given`: how the operand's elements lie; `wanted`: how the primitive has them, under the same shape.
  Operand(const StepInput& input, const TensorDesc& given, const TensorDesc& wanted, ScratchLayout& scratch);
  Operand(const StepInput& input, const dnnl::memory::desc& given, const dnnl::memory::desc& wanted,
          ScratchLayout& scratch);

  // Where the operand lies in the wanted layout, now. `data` is null for constants.
  const void* resolve(const void* data, void* scratchpad);
  // Puts it, in the wanted layout, at `target`: nothing to do where it is already there.
  void place(const void* data, void* target, void* scratchpad);

  // "jit:uni+" where every run reorders, else empty.
  std::string prefix() const;

 private:
  std::shared_ptr<const void> constant_;  // in the wanted layout
  std::optional<onednn::Primitive> reorder_;
  size_t bytes_;
  size_t reordered_offset_ = 0;
  size_t reorder_scratch_offset_ = 0;
};

}  // namespace octavo
