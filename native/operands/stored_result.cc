#include "operands/stored_result.h"

#include "operands/operand.h"

namespace octavo {

Result::Result(const TensorDesc& given, const TensorDesc& written, ScratchLayout& scratch) {
  if (layout_of(written) == layout_of(given)) return;
  copy_.emplace(written, given, kernels::RowConversion::move(given.dtype));
  written_offset_ = scratch.reserve(written.span_bytes());
}

void* Result::target(void* output, void* scratchpad) const {
  return copy_ ? ScratchLayout::at(scratchpad, written_offset_) : output;
}

void Result::finish(void* output, void* scratchpad) const {
  if (copy_) copy_->execute(target(output, scratchpad), output);
}

std::string Result::suffix() const { return copy_ ? "+octavo:copy" : ""; }

}  // namespace octavo
