// Reads and checks what convolution and linear steps fuse: quantization, an addend, a pointwise function.
#pragma once

#include "contract/step.h"
#include "onednn/fusion.h"

namespace octavo {

// Attributes: xScale, xZeroPoint, weightScales (one or `channels`), outputScale, outputZeroPoint;
// binary: 'none' | 'sum' with addScale, addZeroPoint; unary: a name of onednn::Unary with unaryAlpha,
// unaryBeta. With dynamicSource the source's scale and zero point are inputs in place of xScale and
// xZeroPoint. Input 0 is the source, 1 the weight, the last one the addend. Throws std::invalid_argument.
onednn::Fusion read_fusion(const StepSpec& spec, int64_t channels);

// Where the source's parameters, the bias and the addend stand among a step's inputs, in this order after the
// weight; -1 where there is none. Checks their number, and the bias's type and shape.
struct FusedInputs {
  int scale;
  int zero_point;
  int bias;
  int addend;
};
FusedInputs read_inputs(const StepSpec& spec, int64_t channels);

}  // namespace octavo
