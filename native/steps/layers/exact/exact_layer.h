// Int8 convolution and linear layer for CPUs without VNNI. oneDNN's sums saturate there
// (onednn::int8_sums_saturate); these add 16-bit products of pairs in 32 bits and cannot.
#pragma once

#include "contract/candidates.h"
#include "operands/fused_inputs.h"
#include "steps/layers/images/layer_problem.h"

namespace octavo {

// Whether this CPU needs create_exact_layer() for layers that read this dtype.
bool has_exact_layers(DType src);
// Why oneDNN computes the layer as well. Empty if oneDNN's sums could saturate, or if it has no bf16 kernel
// and would convert through float32.
std::optional<std::string> exact_layer_refusal(const StepSpec& spec);

// Throws std::invalid_argument for a pointwise function that cannot be fused.
std::unique_ptr<Step> create_exact_layer(const StepSpec& spec, LayerProblem problem,
                                         const FusedInputs& inputs, const onednn::Fusion& fusion);

}  // namespace octavo
