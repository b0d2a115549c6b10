// What an integer layer fuses, as the numbers of kernels/vnni/epilogue.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernels/vnni/epilogue.h"
#include "onednn/fusion.h"

namespace octavo {

// For each position of a kernel's vectors its output channel, or -1 where there is none. A layer's parts
// share it: plans hold all of theirs for as long as they exist.
using ChannelOrder = std::shared_ptr<const std::vector<int32_t>>;

class EpilogueNumbers {
 public:
  // Whether the function is a line between two bounds, which takes next to no time.
  static bool is_line(const onednn::Unary& unary);
  // Why the epilogue cannot compute this for sums whose magnitude is at most `largest_sum`; empty where it
  // can.
  static std::optional<std::string> refusal(const onednn::Fusion& fusion, DType dst, int64_t largest_sum);

  // The fusion must not be refused.
  EpilogueNumbers(const onednn::Fusion& fusion, DType dst, ChannelOrder order);

  // A source's scale that is known only at run time, in place of the fusion's.
  void set_source_scale(float scale);
  // Called before the first run, and whenever the bias (float32, one a channel; null without one) changed.
  void set_bias(const float* bias);
  // Valid as long as this object, at its place.
  const kernels::Epilogue& epilogue() const { return epilogue_; }

 private:
  ChannelOrder order_;
  std::vector<float> weight_scales_;  // one, or one per output channel
  std::vector<float> factor_, offset_;
  float bias_unit_ = 1;   // the bias is multiplied by it,
  float base_ = 0;        // and this is added
  float largest_offset_;  // a larger one has the same results
  kernels::Epilogue epilogue_;
};

}  // namespace octavo
