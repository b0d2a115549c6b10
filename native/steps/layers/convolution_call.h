// One convolution step as its candidates see it: the problem, what is fused into it, and oneDNN's primitive.
#pragma once

#include "onednn/rejections.h"
#include "operands/fused_inputs.h"
#include "operands/fused_step.h"
#include "steps/layers/convolution_problem.h"

namespace octavo {

struct ConvolutionCall {
  // Reads and checks everything. Throws std::invalid_argument.
  explicit ConvolutionCall(const StepSpec& spec);

  // oneDNN's primitive for a problem.
  struct Made {
    onednn::ConvolutionProblem problem;
    onednn::FusedPrimitive fused;
    bool chosen;  // has the requested kernel

    const onednn::Implementation& implementation() const { return fused.primitive.implementation(); }
  };
  // On images in channel blocks, which are supported for float32 only.
  Made make_in_blocks();
  // On channels-last images; made on first use.
  Made& channels_last();

  // The weight's own layout with the primitive's shape: [G, O/G, I, KH, KW] if there are groups.
  dnnl::memory::desc weight_view() const;
  std::unique_ptr<Step> step_of(Made made) const;

  const StepSpec& spec;
  Convolution convolution;
  FusedInputs inputs;
  onednn::Fusion fusion;
  onednn::Rejections rejections;

 private:
  Made make(onednn::ConvolutionProblem problem);

  std::optional<Made> channels_last_;
};

bool is_padded(const onednn::ConvolutionProblem& problem);

}  // namespace octavo
