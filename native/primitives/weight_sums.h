// Sums of constant int8 weights by output channel.
#pragma once

#include <vector>

#include "primitives/step.h"

namespace octavo {

// Whether the weight is known now, and lies row-major.
bool has_weight_sums(const StepInput& weight);
// One for each extent of the weight's first dimension.
std::vector<int32_t> weight_sums(const StepInput& weight);

}  // namespace octavo
