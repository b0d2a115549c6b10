// What an integer layer applies to its sums before it stores them: scales, bias, an added tensor, a
// pointwise function, quantization.
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
  // The most channels that one call of row() accepts.
  static constexpr int64_t kMaxChannels = 256;

  // Throws std::invalid_argument for a pointwise function that it does not support.
  AccumulatorOutput(const StepSpec& spec, const onednn::Fusion& fusion, int64_t channels);

  // After this, row() treats up to `pixels` adjacent pixels as one pixel with pixels × channels channels.
  void join_pixels(int64_t pixels) { pixels_ = pixels; }
  // Called before a run, with the source's scale and the bias (float32, one per channel) or null.
  void prepare(float src_scale, const float* bias);
  // Stores `count` channels of one pixel, starting with `channel`. They are adjacent in `dst` and in
  // `addend`, which is null if nothing is added. `dst` and `addend` may be the same array.
  void row(const int32_t* sums, int64_t channel, int64_t count, const void* addend, void* dst) const;

 private:
  DType dst_;
  float dst_scale_, dst_zero_point_;
  std::optional<onednn::Addend> addend_;
  RowFunction unary_;
  kernels::ByteAddend added_{};
  kernels::Requantize at_once_ = nullptr;  // set if the function only clamps, and all elements are bytes
  float low_ = 0, high_ = 0;               // the clamp's bounds, in units of the result
  std::vector<float> weight_scales_;
  int64_t pixels_ = 1;
  std::vector<float> factor_, offset_;  // of `pixels_` pixels
};

}  // namespace octavo
