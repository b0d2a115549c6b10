// What an integer layer does with its sums before it stores them: scales, bias, an added tensor, a pointwise
// function, quantization.
#pragma once

#include <vector>

#include "contract/step.h"
#include "kernels/requantization.h"
#include "kernels/row_conversion.h"
#include "onednn/fusion.h"
#include "rows/row_function.h"

namespace octavo {

class AccumulatorOutput {
 public:
  // The most channels that row() takes at once.
  static constexpr int64_t kMaxChannels = 256;

  // Throws std::invalid_argument for a pointwise function that it does not have.
  AccumulatorOutput(const StepSpec& spec, const onednn::Fusion& fusion, int64_t channels);

  // From now on row() takes up to so many whole pixels that lie next to each other, as one of as many more
  // channels.
  void join_pixels(int64_t pixels) { pixels_ = pixels; }
  // Before a run: the scale of the source, and the bias (float32, one a channel) or null.
  void prepare(float src_scale, const float* bias);
  // `count` channels from `channel` on of one pixel, which lie next to each other in `dst` and in `addend`
  // (null without one). The two may be the same.
  void row(const int32_t* sums, int64_t channel, int64_t count, const void* addend, void* dst) const;

 private:
  DType dst_;
  float dst_scale_, dst_zero_point_;
  std::optional<onednn::Addend> addend_;
  RowFunction unary_;
  kernels::ByteAddend added_{};
  kernels::Requantize at_once_ = nullptr;  // where the function only clamps, and the rest is bytes
  float low_ = 0, high_ = 0;               // what it clamps to, in units of the result
  std::vector<float> weight_scales_;
  int64_t pixels_ = 1;
  std::vector<float> factor_, offset_;  // of `pixels_` pixels
};

}  // namespace octavo
