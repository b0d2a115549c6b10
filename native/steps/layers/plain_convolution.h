// A float32 convolution between row-major tensors, with nothing fused: the form that the interpreter runs,
// and calibration with it. oneDNN chooses all layouts, as in PyTorch's eager mode, so that both add the same
// numbers in the same order: some observers' ranges depend on the last bit.
#pragma once

#include <optional>

#include "contract/step.h"
#include "onednn/convolution.h"

namespace octavo {

// Why the convolution has another form; empty if it has this one. `src` and `dst` have the layout that the
// step receives and the problem's shapes.
std::optional<std::string> plain_convolution_refusal(const StepSpec& spec,
                                                     const onednn::ConvolutionProblem& problem,
                                                     const onednn::Fusion& fusion, const TensorDesc& src,
                                                     const TensorDesc& dst);

// `weights` has the layout that the step receives and the problem's shape.
std::unique_ptr<Step> create_plain_convolution(const StepSpec& spec,
                                               const onednn::ConvolutionProblem& problem,
                                               const TensorDesc& src, const dnnl::memory::desc& weights,
                                               const TensorDesc& dst);

}  // namespace octavo
