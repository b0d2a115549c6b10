// Implementations of convolution that must not, or should not, be used: what fuzzing against a float64
// reference, with guard pages behind every buffer, has found in oneDNN 2.6.3, 3.7.2 and 3.12.1, with the
// conditions as its sources have them.
#pragma once

#include "onednn/convolution.h"

namespace octavo::onednn {

// Why `implementation` must not compute this problem: it crashes, writes past its buffers,
// computes wrong numbers, or is much slower than the one after it. Null where nothing is known against it.
const char* fault_of(const Implementation& implementation, const ConvolutionProblem& problem,
                     const Fusion& fusion, AddendForm form);

// The problem of an image that already holds its padding.
ConvolutionProblem without_padding(ConvolutionProblem problem);

// Whether `implementation` adds pairs of 8-bit products in 16 bits, which saturates: those for CPUs before
// VNNI do, and oneDNN offers them, behind others, on every CPU.
bool adds_in_16_bits(const Implementation& implementation, DType src);

}  // namespace octavo::onednn
