// From bytes to bytes, with a scale and a shift for every channel.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "kernels/requantization.h"
#include "rows/pointwise.h"
#include "rows/strided.h"

namespace octavo {

// y = clamp(x * scale + shift), of images whose channels lie next to each other.
class ChannelRequantization {
 public:
  // Whether there is one between these tensors.
  static bool takes(const TensorDesc& x, const TensorDesc& y);

  ChannelRequantization(const PointwiseOperand& x, const PointwiseOperand& y, std::pair<float, float> clamp);

  // Real scales and shifts, one a channel, for all executions that follow.
  void prepare(const std::vector<float>& scale, const std::vector<float>& shift);
  void execute(const void* x, void* y) const;

 private:
  kernels::Requantize rows_;
  kernels::Affine x_, y_;
  float low_, high_;
  int64_t numel_, channels_;
  LoopNest nest_;   // operands: y, x, channels
  int64_t joined_;  // neighbouring pixels that are computed as one of so many times the channels
  std::shared_ptr<void> terms_;
  float *factor_, *offset_;  // in terms_, of joined_ pixels
};

}  // namespace octavo
