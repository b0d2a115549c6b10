// A linear layer computed as a convolution of one-pixel images. If oneDNN's only product of 8-bit matrices
// is gemm, which writes all sums before it scales them, its convolutions are faster.
#pragma once

#include "contract/candidates.h"
#include "operands/fused_inputs.h"

namespace octavo {

// Makes no step if the rows have gaps, or oneDNN has no kernel for them. Two products of the layer must fit
// 16 bits. oneDNN's implementations that were passed over are added to `rejections`.
Attempt create_pixel_linear(const StepSpec& spec, const FusedInputs& inputs, const onednn::Fusion& fusion,
                            onednn::Rejections& rejections);

}  // namespace octavo
