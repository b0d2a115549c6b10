// How large products of 8-bit integers can become.
#pragma once

#include "contract/step.h"

namespace octavo {

// Whether oneDNN's int8 kernels for CPUs without VNNI, which add two products in 16 bits, compute the
// convolution or linear layer exactly all the same: its uint8 input or its weight keeps to about half of the
// range (the attribute inputMax says what the input's largest value is), or it is depthwise, where they add
// in 32 bits. Never for an int8 input, to which they add 128 first, halving the weights.
bool products_fit_16_bits(const StepSpec& spec);

}  // namespace octavo
