#include "operands/fused_step.h"

#include <algorithm>
#include <cstring>

#include "kernels/half_float.h"

namespace octavo {

namespace {
bool is_identity(const onednn::BiasTransform& bias) {
  return std::all_of(bias.factor.begin(), bias.factor.end(), [](float f) { return f == 1; }) &&
         std::all_of(bias.offset.begin(), bias.offset.end(), [](float o) { return o == 0; });
}

// Sums write over their addend, so its elements must be as large as the destination's.
std::vector<onednn::AddendForm> addend_forms(const onednn::Fusion& fusion, DType dst) {
  using onednn::AddendForm;
  if (!fusion.addend) return {AddendForm::sum};
  const bool bytes = dtype_size(dst) == 1 && dtype_size(fusion.addend->dtype) == 1;
  if (fusion.addend->dtype == dst || bytes) return {AddendForm::sum, AddendForm::binary};
  return {AddendForm::binary};
}
}  // namespace

onednn::FusedPrimitive make_fused(const onednn::Fusion& fusion, DType dst,
                                  const std::function<onednn::FusedPrimitive(onednn::AddendForm)>& make) {
  std::optional<onednn::FusedPrimitive> slow;
  std::exception_ptr failure;
  for (const auto form : addend_forms(fusion, dst)) {
    try {
      auto fused = make(form);
      if (!fused.primitive.implementation().is_reference) return fused;
      if (!slow) slow.emplace(std::move(fused));
    } catch (const dnnl::error&) {
      if (!failure) failure = std::current_exception();
    }
  }
  if (!slow) std::rethrow_exception(failure);
  return std::move(*slow);
}

FusedStep::FusedStep(const StepSpec& spec, FusedInputs inputs, const FusedViews& views,
                     onednn::FusedPrimitive fused)
    : inputs_(inputs),
      fused_(std::move(fused)),
      primitive_scratch_offset_(scratch_.reserve(fused_.primitive.scratchpad_bytes())),
      src_(spec.inputs[0], views.src.given, views.src.wanted, scratch_),
      weights_(spec.inputs[1], views.weights, fused_.weights, scratch_),
      dst_(views.dst.given, views.dst.wanted, scratch_) {
  if (inputs_.addend >= 0) {
    TensorDesc wanted = views.dst.wanted;
    wanted.dtype = views.addend->dtype;
    addend_.emplace(spec.inputs[inputs_.addend], *views.addend, wanted, scratch_);
    if (fused_.addend_argument) {
      addend_bytes_ = layout_of(wanted).get_size();
      addend_copy_offset_ = scratch_.reserve(addend_bytes_);
    }
  }
  if (inputs_.bias >= 0) channels_ = static_cast<size_t>(spec.inputs[inputs_.bias].desc.numel());
  bias_is_bf16_ = inputs_.bias >= 0 && spec.inputs[inputs_.bias].desc.dtype == DType::bf16;
  if (fused_.source)
    source_.emplace(spec, inputs_.scale, inputs_.zero_point, std::move(*fused_.source), scratch_);
  if (inputs_.bias < 0) {
    if (fused_.has_bias) bias_ = fused_.bias.offset;  // the primitive's own: an addend's zero point
  } else if (const auto& constant = spec.inputs[inputs_.bias].constant) {
    transform_bias(constant->data().get());
  } else {
    transforms_bias_ = bias_is_bf16_ || !is_identity(fused_.bias);
  }
}

void FusedStep::transform_bias(const void* bias) {
  const auto& [factor, offset] = fused_.bias;
  bias_.resize(channels_);
  for (size_t i = 0; i < bias_.size(); i++) {
    const float given = bias_is_bf16_ ? kernels::from_bf16(static_cast<const uint16_t*>(bias)[i])
                                      : static_cast<const float*>(bias)[i];
    bias_[i] = source_ ? given : given * factor[i] + offset[i];
  }
}

// A plan may give sum and addend one place. Only sums proper may work there: a primitive that takes the
// addend as an operand of its own writes partial sums over it.
const void* FusedStep::addend_beside(const void* dst, const void* addend, void* scratchpad) const {
  if (addend != dst) return addend;
  return std::memcpy(ScratchLayout::at(scratchpad, addend_copy_offset_), addend, addend_bytes_);
}

void FusedStep::execute(const Buffers& buffers) {
  void* scratchpad = buffers.scratchpad;
  auto& primitive = fused_.primitive;
  void* dst = dst_.target(buffers.outputs[0], scratchpad);
  if (addend_) {
    const void* addend = buffers.inputs[inputs_.addend];
    if (fused_.addend_argument)
      primitive.bind(fused_.addend_argument,
                     addend_beside(dst, addend_->resolve(addend, scratchpad), scratchpad));
    else
      addend_->place(addend, dst, scratchpad);
  }
  primitive.bind(DNNL_ARG_SRC, src_.resolve(buffers.inputs[0], scratchpad));
  primitive.bind(DNNL_ARG_WEIGHTS, weights_.resolve(buffers.inputs[1], scratchpad));
  if (transforms_bias_) transform_bias(buffers.inputs[inputs_.bias]);
  const void* bias = bias_.empty() && inputs_.bias >= 0 ? buffers.inputs[inputs_.bias] : bias_.data();
  if (source_)
    source_->bind(buffers, static_cast<const float*>(bias), primitive);
  else if (fused_.has_bias)
    primitive.bind(DNNL_ARG_BIAS, bias);
  primitive.bind(DNNL_ARG_DST, dst);
  primitive.execute(ScratchLayout::at(scratchpad, primitive_scratch_offset_));
  dst_.finish(buffers.outputs[0], scratchpad);
}

std::string FusedStep::implementation() const {
  return src_.prefix() + weights_.prefix() + (addend_ ? addend_->prefix() : "") +
         fused_.primitive.implementation().name + dst_.suffix();
}

}  // namespace octavo
