// A fused primitive as a step: its operands brought into the layouts it works on, weights and bias prepared
// once where they are constant.
#pragma once

#include <functional>
#include <optional>

#include "contract/step.h"
#include "onednn/fused_primitive.h"
#include "operands/fused_inputs.h"
#include "operands/operand.h"
#include "operands/source_parameters.h"
#include "operands/stored_result.h"

namespace octavo {

// How an operand lies, and how the primitive has it.
struct View {
  TensorDesc given;
  TensorDesc wanted;
};

struct FusedViews {
  View src;
  dnnl::memory::desc weights;  // as given, under the primitive's own shape
  View dst;
  std::optional<TensorDesc> addend;  // as given; its wanted layout is the destination's
};

// Makes the primitive in the first form of addend that has a fast implementation on this CPU and oneDNN; in
// the first form that has any where none is fast. Throws where there is none.
onednn::FusedPrimitive make_fused(const onednn::Fusion& fusion, DType dst,
                                  const std::function<onednn::FusedPrimitive(onednn::AddendForm)>& make);

class FusedStep : public Step {
 public:
  FusedStep(const StepSpec& spec, FusedInputs inputs, const FusedViews& views, onednn::FusedPrimitive fused);

  void execute(const Buffers& buffers) override;
  std::string implementation() const override;
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  void transform_bias(const void* bias);
  const void* addend_beside(const void* dst, const void* addend, void* scratchpad) const;

  FusedInputs inputs_;
  onednn::FusedPrimitive fused_;
  ScratchLayout scratch_;
  size_t primitive_scratch_offset_;
  Operand src_, weights_;
  std::optional<Operand> addend_;
  size_t addend_bytes_ = 0, addend_copy_offset_ = 0;
  Result dst_;
  // At every run, from the bias given; else bias_ is ready, or the given one is used as it is.
  bool transforms_bias_ = false;
  bool bias_is_bf16_ = false;
  size_t channels_ = 0;  // of the bias
  std::vector<float> bias_;
  std::optional<SourceParameters> source_;
};

}  // namespace octavo
