// Implementations of convolution that must not, or should not, be used. Fuzzing against a float64 reference,
// with guard pages after every buffer, found them in oneDNN 2.6.3, 3.7.2 and 3.12.1; the conditions are
// those of its sources.
#pragma once

#include "onednn/convolution.h"

namespace octavo::onednn {

// Why `implementation` must not compute this problem: it crashes, writes past its buffers, computes wrong
// numbers, or is much slower than the one after it. Null if no fault is known.
const char* fault_of(const Implementation& implementation, const ConvolutionProblem& problem,
                     const Fusion& fusion, AddendForm form);

// The same problem on an image that already contains its padding.
ConvolutionProblem without_padding(ConvolutionProblem problem);

// Whether `implementation` adds pairs of 8-bit products in 16 bits, which saturates. Those for CPUs without
// VNNI do, and oneDNN offers them on every CPU, after others.
bool adds_in_16_bits(const Implementation& implementation, DType src);

}  // namespace octavo::onednn
