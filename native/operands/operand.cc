#include "operands/operand.h"

#include <cstring>

#include "kernels/single_thread.h"
#include "onednn/identity.h"
#include "weights/aligned_buffer.h"

namespace octavo {

namespace {
void reorder(const void* data, const dnnl::memory::desc& from, const dnnl::memory::desc& to, void* into) {
  // A plan's weights are packed by as many threads as it has, each at another one.
  const kernels::SingleThread alone;
  auto reorder = onednn::make_reorder(from, to);
  const auto scratchpad = aligned_buffer(reorder.scratchpad_bytes());
  reorder.bind(DNNL_ARG_FROM, data);
  reorder.bind(DNNL_ARG_TO, into);
  reorder.execute(scratchpad.get());
}

// A reorder has no attributes here: all that its result depends on are the two descriptions, of which the
// second says what compensation comes with the elements, too.
PackedForm reordered_form(const dnnl::memory::desc& from, const dnnl::memory::desc& to) {
  const auto given = onednn::identity(from), wanted = onednn::identity(to);
  return {"reordered " + given + wanted, to.get_size(),
          onednn::is_lasting(given) && onednn::is_lasting(wanted)};
}
}  // namespace

dnnl::memory::desc layout_of(TensorDesc desc) {
  for (size_t i = 0; i < desc.shape.size(); i++)
    if (desc.shape[i] == 1) desc.strides[i] = 1;
  return onednn::to_onednn(desc);
}

Operand::Operand(const StepInput& input, const TensorDesc& given, const TensorDesc& wanted,
                 ScratchLayout& scratch)
    : Operand(input, layout_of(given), layout_of(wanted), scratch) {}

Operand::Operand(const StepInput& input, const dnnl::memory::desc& given, const dnnl::memory::desc& wanted,
                 ScratchLayout& scratch)
    : bytes_(wanted.get_size()) {
  const bool same = given == wanted;
  if (const auto& weight = input.constant) {
    if (same)
      constant_ = weight->data();
    else
      constant_ = weight->packed(reordered_form(given, wanted),
                                 [&](void* into) { reorder(weight->data().get(), given, wanted, into); });
  } else if (!same) {
    reorder_.emplace(onednn::make_reorder(given, wanted));
    reordered_offset_ = scratch.reserve(bytes_);
    reorder_scratch_offset_ = scratch.reserve(reorder_->scratchpad_bytes());
  }
}

const void* Operand::resolve(const void* data, void* scratchpad) {
  if (constant_) return constant_.get();
  if (!reorder_) return data;
  void* target = ScratchLayout::at(scratchpad, reordered_offset_);
  place(data, target, scratchpad);
  return target;
}

void Operand::place(const void* data, void* target, void* scratchpad) {
  if (reorder_) {
    reorder_->bind(DNNL_ARG_FROM, data);
    reorder_->bind(DNNL_ARG_TO, target);
    reorder_->execute(ScratchLayout::at(scratchpad, reorder_scratch_offset_));
    return;
  }
  const void* source = constant_ ? constant_.get() : data;
  if (source != target) std::memcpy(target, source, bytes_);
}

std::string Operand::prefix() const { return reorder_ ? reorder_->implementation().name + "+" : ""; }

}  // namespace octavo
