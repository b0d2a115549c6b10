// Fake quantization for training: the moving average of a tensor's range, the parameters that follow from it,
// and the tensor rounded to them (PyTorch: fused_moving_avg_obs_fake_quant). Its gradient passes where
// nothing was clamped.
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "contract/table.h"
#include "steps/quantization/channel_statistics.h"

namespace octavo {

namespace {
// A scale below float16's normal range is raised to it, as PyTorch's kernel does.
constexpr float kSmallestScale = 6.1e-5f;

struct Parameters {
  float scale;
  int32_t zero_point;
};

// What PyTorch's kernel chooses for a range, in its precision.
Parameters choose(float min, float max, const QuantizedRange& integers, bool symmetric) {
  const int32_t steps = integers.highest - integers.lowest;
  const bool balanced = min < 0 && max > 0 && symmetric;
  if (balanced) {
    const int32_t lowest = -(steps / 2 + 1), highest = steps / 2;
    const double scale =
        std::max(std::fabs(min / static_cast<float>(lowest)), std::fabs(max / static_cast<float>(highest)));
    min = static_cast<float>(scale * lowest);
    max = static_cast<float>(scale * highest);
  }
  min = std::min(min, 0.0f);
  max = std::max(max, 0.0f);
  double scale = (static_cast<double>(max) - min) / steps;
  if (static_cast<float>(scale) == 0 || std::isinf(1.0f / static_cast<float>(scale))) scale = 0.1;
  if (scale < kSmallestScale) {
    const float wider = kSmallestScale / static_cast<float>(scale);
    scale = kSmallestScale;
    if (min == 0)
      max = kSmallestScale * static_cast<float>(steps);
    else if (max == 0)
      min = -kSmallestScale * static_cast<float>(steps);
    else
      min *= wider, max *= wider;
  }
  if (balanced)
    return {static_cast<float>(scale),
            static_cast<int32_t>(std::nearbyint((integers.lowest + integers.highest) / 2.0))};
  // From the end whose terms are smaller: it rounds less.
  const double from_min = integers.lowest - min / scale, from_max = integers.highest - max / scale;
  const bool first =
      std::abs(integers.lowest) - std::abs(min / scale) < std::abs(integers.highest) - std::abs(max / scale);
  const double zero = std::clamp<double>(first ? from_min : from_max, integers.lowest, integers.highest);
  return {static_cast<float>(scale), static_cast<int32_t>(std::nearbyint(zero))};
}

// Inputs: the tensor, whether to observe, whether to quantize, the range so far (min, max), scale, zero
// point. Outputs: the tensor, the new range, scale and zero point.
class FakeQuantize : public Step {
 public:
  explicit FakeQuantize(const StepSpec& spec)
      : x_(spec, 0, "the tensor"),
        observes_(spec, 1, "the observer's switch"),
        quantizes_(spec, 2, "the quantization's switch"),
        min_(spec, 3, "the smallest value"),
        max_(spec, 4, "the largest value"),
        scale_(spec, 5, "the scale"),
        zero_point_(spec, 6, "the zero point"),
        runs_(channel_runs(spec, x_.desc())),
        extremes_(runs_, scratch_),
        integers_(spec.attributes),
        constant_(static_cast<float>(spec.attributes.number("averagingConstant"))),
        symmetric_(spec.attributes.boolean("symmetric")) {
    check_alike(spec.outputs.at(0), x_.desc());
    if (spec.outputs.size() != 5) throw std::invalid_argument("there must be 5 results");
    const int64_t channels = runs_.channels;
    check_state(spec.inputs[1].desc, DType::s64, 1, "the observer's switch");
    check_state(spec.inputs[2].desc, DType::s64, 1, "the quantization's switch");
    const DType types[] = {DType::f32, DType::f32, DType::f32, DType::s32};
    for (size_t i = 0; i < 4; i++) {
      check_state(spec.inputs[3 + i].desc, types[i], channels, "the state");
      check_state(spec.outputs[1 + i], types[i], channels, "the new state");
    }
  }

  void execute(const Buffers& buffers) override {
    const auto* x = static_cast<const float*>(x_.data(buffers));
    auto* scale = static_cast<float*>(buffers.outputs[3]);
    auto* zero_point = static_cast<int32_t*>(buffers.outputs[4]);
    const int64_t channels = runs_.channels;
    std::copy_n(static_cast<const float*>(min_.data(buffers)), channels,
                static_cast<float*>(buffers.outputs[1]));
    std::copy_n(static_cast<const float*>(max_.data(buffers)), channels,
                static_cast<float*>(buffers.outputs[2]));
    std::copy_n(static_cast<const float*>(scale_.data(buffers)), channels, scale);
    std::copy_n(static_cast<const int32_t*>(zero_point_.data(buffers)), channels, zero_point);
    if (is_on(observes_, buffers)) observe(x, buffers, scale, zero_point);
    auto* out = static_cast<float*>(buffers.outputs[0]);
    if (!is_on(quantizes_, buffers)) {
      if (x != out) std::copy_n(x, runs_.numel(), out);
      return;
    }
    runs_.each([&](int64_t at, int64_t count, int64_t channel) {
      kernels::fake_quantize_row(
          x + at, integers_.with(scale[channel], static_cast<float>(zero_point[channel])), out + at, count);
    });
  }
  std::string implementation() const override { return "octavo:fake_quantize"; }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  void observe(const float* x, const Buffers& buffers, float* scale, int32_t* zero_point) const {
    const auto [minima, maxima] = extremes_.find(x, buffers.scratchpad);
    auto *min = static_cast<float*>(buffers.outputs[1]), *max = static_cast<float*>(buffers.outputs[2]);
    for (int64_t c = 0; c < runs_.channels; c++) {
      move_range(min[c], max[c], minima[c], maxima[c], constant_);
      const auto chosen = choose(min[c], max[c], integers_, symmetric_);
      scale[c] = chosen.scale;
      zero_point[c] = chosen.zero_point;
    }
  }

  InputValue x_, observes_, quantizes_, min_, max_, scale_, zero_point_;
  ScratchLayout scratch_;
  ChannelRuns runs_;
  ChannelExtremes extremes_;
  QuantizedRange integers_;
  float constant_;
  bool symmetric_;
};

// Inputs: the gradient, the tensor that was quantized, whether it was, scale, zero point.
class FakeQuantizeGradient : public Step {
 public:
  explicit FakeQuantizeGradient(const StepSpec& spec)
      : grad_(spec, 0, "the gradient"),
        x_(spec, 1, "the tensor"),
        quantizes_(spec, 2, "the quantization's switch"),
        scale_(spec, 3, "the scale"),
        zero_point_(spec, 4, "the zero point"),
        runs_(channel_runs(spec, x_.desc())),
        integers_(spec.attributes) {
    check_alike(spec.outputs.at(0), x_.desc());
    check_alike(grad_.desc(), x_.desc());
    check_state(spec.inputs[2].desc, DType::s64, 1, "the quantization's switch");
    check_state(spec.inputs[3].desc, DType::f32, runs_.channels, "the scale");
    check_state(spec.inputs[4].desc, DType::s32, runs_.channels, "the zero point");
  }

  void execute(const Buffers& buffers) override {
    const auto *grad = static_cast<const float*>(grad_.data(buffers)),
               *x = static_cast<const float*>(x_.data(buffers));
    const auto* scale = static_cast<const float*>(scale_.data(buffers));
    const auto* zero_point = static_cast<const int32_t*>(zero_point_.data(buffers));
    auto* out = static_cast<float*>(buffers.outputs[0]);
    if (!is_on(quantizes_, buffers)) {
      if (grad != out) std::copy_n(grad, runs_.numel(), out);
      return;
    }
    runs_.each([&](int64_t at, int64_t count, int64_t channel) {
      const auto with = integers_.with(scale[channel], static_cast<float>(zero_point[channel]));
      kernels::fake_quantize_gradient_row(grad + at, x + at, with, out + at, count);
    });
  }
  std::string implementation() const override { return "octavo:fake_quantize_gradient"; }

 private:
  InputValue grad_, x_, quantizes_, scale_, zero_point_;
  ChannelRuns runs_;
  QuantizedRange integers_;
};
}  // namespace

std::unique_ptr<Step> create_fake_quantize(const StepSpec& spec) {
  return std::make_unique<FakeQuantize>(spec);
}
std::unique_ptr<Step> create_fake_quantize_gradient(const StepSpec& spec) {
  return std::make_unique<FakeQuantizeGradient>(spec);
}
// A plan gives these their operands row-major.
std::unique_ptr<Step> create_fake_quantize_per_channel(const StepSpec& spec) {
  return create_fake_quantize(spec);
}
std::unique_ptr<Step> create_fake_quantize_gradient_per_channel(const StepSpec& spec) {
  return create_fake_quantize_gradient(spec);
}

}  // namespace octavo
