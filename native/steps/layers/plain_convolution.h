// A float32 convolution between row-major tensors, with nothing fused: what the interpreter runs, and
// calibration with it. oneDNN chooses all layouts, as in PyTorch's eager mode, so that both add up the same
// numbers in the same order: some observers' ranges depend on the last bit.
#pragma once

#include <optional>

#include "contract/step.h"
#include "onednn/convolution.h"

namespace octavo {

// Why the convolution is another one; nothing where it is such. `src` and `dst` are as they are given, under
// the problem's shapes.
std::optional<std::string> plain_convolution_refusal(const StepSpec& spec,
                                                     const onednn::ConvolutionProblem& problem,
                                                     const onednn::Fusion& fusion, const TensorDesc& src,
                                                     const TensorDesc& dst);

// `weights` as they are given, under the problem's shape.
std::unique_ptr<Step> create_plain_convolution(const StepSpec& spec,
                                               const onednn::ConvolutionProblem& problem,
                                               const TensorDesc& src, const dnnl::memory::desc& weights,
                                               const TensorDesc& dst);

}  // namespace octavo
