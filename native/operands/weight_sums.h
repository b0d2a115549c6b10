// Sums of constant int8 weights by output channel.
#pragma once

#include <memory>
#include <vector>

#include "contract/step.h"

namespace octavo {

// Whether the weight is known now, and lies row-major.
bool has_weight_sums(const StepInput& weight);
// One for each extent of the weight's first dimension.
std::vector<int32_t> weight_sums(const StepInput& weight);
// The same, where the weight holds them for all its readers.
std::shared_ptr<const int32_t> shared_weight_sums(const StepInput& weight);
// The same of a row-major int8 weight in memory.
std::vector<int32_t> weight_sums(const TensorDesc& desc, const void* weight);

}  // namespace octavo
