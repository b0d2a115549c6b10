// Int8 convolution and linear layer for CPUs without VNNI. oneDNN's sums saturate there
// (onednn::int8_sums_saturate); these add 16-bit products of pairs in 32 bits and cannot.
#pragma once

#include <optional>

#include "contract/step.h"
#include "onednn/convolution.h"
#include "operands/fused_inputs.h"

namespace octavo {

// A layer as a convolution of images; a linear layer is one of kernel 1 on a column of pixels.
struct ExactProblem {
  onednn::ConvolutionProblem convolution;  // src and dst as the step receives them
  TensorDesc weight;                       // [O, I / groups, KH, KW], as the step receives it
  int64_t groups;
  std::optional<TensorDesc> addend;  // as the step receives it, with dst's shape
};

// Whether this CPU needs create_exact_layer() for layers that read this dtype.
bool has_exact_layers(DType src);
// Why oneDNN computes the layer as well. Empty if oneDNN's sums could saturate, or if it has no bf16 kernel
// and would convert through float32.
std::optional<std::string> exact_layer_refusal(const StepSpec& spec);

// Throws std::invalid_argument for a pointwise function that cannot be fused.
std::unique_ptr<Step> create_exact_layer(const StepSpec& spec, ExactProblem problem,
                                         const FusedInputs& inputs, const onednn::Fusion& fusion);

}  // namespace octavo
