// A float32 convolution between row-major tensors, with nothing fused: what the interpreter runs, and
// calibration with it. oneDNN chooses all layouts, as in PyTorch's eager mode, so that both add up the same
// numbers in the same order: some observers' ranges depend on the last bit.
#pragma once

#include "contract/step.h"
#include "onednn/convolution.h"

namespace octavo {

// Null where the problem is another one. `src`, `weights` and `dst` are the operands as they are given, under
// the problem's shapes.
std::unique_ptr<Step> create_plain_convolution(const StepSpec& spec,
                                               const onednn::ConvolutionProblem& problem,
                                               const onednn::Fusion& fusion, const TensorDesc& src,
                                               const dnnl::memory::desc& weights, const TensorDesc& dst);

}  // namespace octavo
