// Int8 convolution and linear layer on CPUs without VNNI, whose sums cannot saturate as oneDNN's do there
// (onednn::int8_sums_saturate): 16-bit products of pairs, added in 32 bits.
#pragma once

#include <optional>

#include "contract/step.h"
#include "onednn/convolution.h"
#include "operands/fused_inputs.h"

namespace octavo {

// A layer as a convolution of images; a linear layer is one of kernel 1 on a column of pixels.
struct ExactProblem {
  onednn::ConvolutionProblem convolution;  // src and dst as they are given
  TensorDesc weight;                       // [O, I / groups, KH, KW], as given
  int64_t groups;
  std::optional<TensorDesc> addend;  // as given, with dst's shape
};

// Whether create_exact_layer() is for layers that read this dtype on this CPU.
bool has_exact_layers(DType src);
// Why oneDNN does as well without it; nothing where its sums could saturate, or where it would compute in
// float32 between conversions, having no kernels for bfloat16 there.
std::optional<std::string> exact_layer_refusal(const StepSpec& spec);

// Throws std::invalid_argument for a pointwise function that cannot be fused.
std::unique_ptr<Step> create_exact_layer(const StepSpec& spec, ExactProblem problem,
                                         const FusedInputs& inputs, const onednn::Fusion& fusion);

}  // namespace octavo
