// Implementations of convolution that must not, or should not, be used: what fuzzing against a float64
// reference, with guard pages behind every buffer, has found in oneDNN 2.6.3 and 3.7.2.
#pragma once

#include "onednn/convolution.h"

namespace octavo::onednn {

// Whether `implementation` (an impl_info_str) crashes, writes past its buffers, computes wrong numbers, or is
// much slower than the one after it.
bool is_faulty(const std::string& implementation, const ConvolutionProblem& problem, const Fusion& fusion,
               AddendForm form);

// Whether `implementation` adds pairs of 8-bit products in 16 bits, which saturates: those for CPUs before
// VNNI do, and oneDNN offers them, behind others, on every CPU.
bool adds_in_16_bits(const std::string& implementation, DType src);

}  // namespace octavo::onednn
