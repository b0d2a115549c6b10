// A linear layer as what it also is, the convolution of one pixel at a time: where oneDNN has no product of
// 8-bit matrices but gemm, which writes all sums before it scales them, its convolutions are faster.
#pragma once

#include "contract/candidates.h"
#include "operands/fused_inputs.h"

namespace octavo {

// No step where the rows have gaps, or oneDNN has no kernel for it. Two products of the layer must fit 16
// bits. Implementations of oneDNN's that are passed over are added to `rejections`.
Attempt create_pixel_linear(const StepSpec& spec, const FusedInputs& inputs, const onednn::Fusion& fusion,
                            onednn::Rejections& rejections);

}  // namespace octavo
