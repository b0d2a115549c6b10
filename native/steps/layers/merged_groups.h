// A grouped convolution said with fewer groups: block-diagonal weights, zeros between the blocks.
#pragma once

#include <optional>

#include "contract/step.h"

namespace octavo {

// The same convolution with as few groups joined as make whole vectors of input and output channels, or with
// all of them. oneDNN has no fast int8 kernel for groups of odd sizes; multiplying by zeros is faster than
// its slow ones. Nothing where there is nothing to join, or where the weight is not a constant.
std::optional<StepSpec> with_merged_groups(const StepSpec& spec);

}  // namespace octavo
