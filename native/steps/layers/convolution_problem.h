// Reads a convolution step as a problem on images, or on volumes.
#pragma once

#include "contract/step.h"
#include "onednn/convolution.h"
#include "tensor/channel_blocks.h"

namespace octavo {

struct Convolution {
  onednn::ConvolutionProblem problem;  // channels-last; the caller sets has_bias
  int64_t groups;
  TensorDesc src, weight, dst;  // as the step receives them: images, images in channel blocks, or volumes

  // Whether an operand that stands for an image has its channels in blocks. A volume has five extents too.
  bool in_blocks(const TensorDesc& given) const { return weight.shape.size() == 4 && is_in_blocks(given); }
  bool touches_blocks() const { return in_blocks(src) || in_blocks(dst); }
};

// Attributes: stride, padding, paddingEnd (default: padding), dilation, groups, kernel. Input 0 is the
// image, input 1 the weight. Throws std::invalid_argument.
Convolution read_convolution(const StepSpec& spec);

// A signal [N, C, L] as an image of height 1; an image or a volume unchanged. Throws std::invalid_argument
// for another rank.
TensorDesc as_image(TensorDesc desc, size_t rank);

// Why oneDNN's `implementation` must not compute this convolution; null if no fault is known.
const char* known_fault(const onednn::Implementation& implementation, const StepSpec& spec);

}  // namespace octavo
