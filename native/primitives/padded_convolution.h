// A convolution that pads its source itself, in a copy, and then convolves without padding.
#pragma once

#include "primitives/step.h"

namespace octavo {

std::unique_ptr<Step> create_padded_convolution(const StepSpec& spec);

}  // namespace octavo
