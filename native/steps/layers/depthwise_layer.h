// Depthwise convolution of 8-bit integers with AVX-512 VNNI, on kernels/vnni/depthwise.h.
#pragma once

#include <optional>
#include <string>

#include "contract/step.h"
#include "operands/fused_inputs.h"
#include "steps/layers/convolution_problem.h"

namespace octavo {

// Why it does not compute the convolution; empty where it does.
std::optional<std::string> depthwise_layer_refusal(const Convolution& convolution,
                                                   const onednn::Fusion& fusion);

// Whether oneDNN's brdgmm_dw is faster, if that is what it offers.
bool is_for_brdgmm(const Convolution& convolution, const onednn::Fusion& fusion);

std::unique_ptr<Step> create_depthwise_layer(const StepSpec& spec, const Convolution& convolution,
                                             const FusedInputs& inputs, const onednn::Fusion& fusion);

}  // namespace octavo
