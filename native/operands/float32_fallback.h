// Steps with bfloat16 operands, on CPUs for which oneDNN has no bfloat16 kernels.
#pragma once

#include <memory>

#include "contract/step.h"

namespace octavo {

using StepCreator = std::unique_ptr<Step> (*)(const StepSpec& spec);

// The step that `create` makes. Where it has bfloat16 operands, and oneDNN has no kernel for them here or its
// reference kernel alone, the same step in float32: its operands are converted before it (constants once),
// its result is rounded after it. oneDNN's bfloat16 kernels too add up in float32 and round once, so results
// differ by the order of sums, that is by one bfloat16 step where a sum lies next to the middle of two.
std::unique_ptr<Step> with_float32_fallback(const StepSpec& spec, StepCreator create);

// The step that `create` makes for float32 operands, with bfloat16 ones converted around it: for steps that
// compute in float32 alone. Inputs in `read_narrow` are left to the step.
std::unique_ptr<Step> in_float32(const StepSpec& spec, StepCreator create,
                                 const std::vector<size_t>& read_narrow = {});

}  // namespace octavo
