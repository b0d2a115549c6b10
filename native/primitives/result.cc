#include "primitives/result.h"

#include "primitives/operand.h"

namespace octavo {

Result::Result(const TensorDesc& given, const TensorDesc& written, ScratchLayout& scratch) {
  const auto from = layout_of(written), to = layout_of(given);
  if (from == to) return;
  reorder_.emplace(onednn::make_reorder(from, to));
  written_offset_ = scratch.reserve(from.get_size());
  reorder_scratch_offset_ = scratch.reserve(reorder_->scratchpad_bytes());
}

void* Result::target(void* output, void* scratchpad) const {
  return reorder_ ? ScratchLayout::at(scratchpad, written_offset_) : output;
}

void Result::finish(void* output, void* scratchpad) {
  if (!reorder_) return;
  reorder_->bind(DNNL_ARG_FROM, target(output, scratchpad));
  reorder_->bind(DNNL_ARG_TO, output);
  reorder_->execute(ScratchLayout::at(scratchpad, reorder_scratch_offset_));
}

std::string Result::suffix() const { return reorder_ ? "+" + reorder_->implementation() : ""; }

}  // namespace octavo
