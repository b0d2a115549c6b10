// A grouped convolution rewritten with fewer groups: block-diagonal weights, with zeros between the blocks.
#pragma once

#include <optional>

#include "contract/step.h"

namespace octavo {

// The same convolution with the fewest groups merged that fill whole vectors of input and output channels,
// or with all groups merged. oneDNN has no fast int8 kernel for groups of odd sizes; multiplying by zeros is
// faster than its slow ones. Empty if nothing can be merged, or if the weight is not a constant.
std::optional<StepSpec> with_merged_groups(const StepSpec& spec);

}  // namespace octavo
