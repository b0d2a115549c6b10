// Int8 convolution and linear layer on AMX or AVX-512 VNNI: tile products, and everything fused applied while
// their sums are still in the first-level cache.
#pragma once

#include <string>

#include "contract/candidates.h"
#include "operands/fused_inputs.h"
#include "steps/layers/images/layer_problem.h"

namespace octavo {

// What its implementations' names begin with on this CPU.
std::string tile_layer_name();
// Why the layer is left to oneDNN; empty if create_tile_layer() takes it.
Refusal tile_layer_refusal(const StepSpec& spec, const LayerProblem& problem, const onednn::Fusion& fusion);

std::unique_ptr<Step> create_tile_layer(const StepSpec& spec, LayerProblem problem, const FusedInputs& inputs,
                                        const onednn::Fusion& fusion);

}  // namespace octavo
