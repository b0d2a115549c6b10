// Fake quantization by parameters that something else has chosen, and its gradients, also those of the
// parameters (PyTorch: fake_quantize_per_tensor_affine, _fake_quantize_learnable_per_channel_affine and their
// like).
#include <cmath>
#include <optional>
#include <stdexcept>
#include <string>

#include "contract/table.h"
#include "kernels/training/fake_quantize.h"
#include "steps/quantization/channel_statistics.h"

namespace octavo {

namespace {
// Scales and zero points: float zero points are learned, and count as the integers that they are nearest to.
class Parameters {
 public:
  Parameters(const StepSpec& spec, size_t first, const ChannelRuns& runs)
      : scale_(spec, first, "the scale"),
        zero_point_(spec, first + 1, "the zero point"),
        integers_(spec.attributes),
        channels_(runs.channels) {
    is_whole_ = zero_point_.desc().dtype == DType::s32;
    check_state(scale_.desc(), DType::f32, channels_, "the scale");
    check_state(zero_point_.desc(), is_whole_ ? DType::s32 : DType::f32, channels_, "the zero point");
  }

  void check(const Buffers& buffers) const {
    for (int64_t c = 0; c < channels_; c++) {
      const float scale = static_cast<const float*>(scale_.data(buffers))[c], zero = zero_point(c, buffers);
      if (!(scale > 0) || !std::isfinite(scale) || std::isnan(zero))
        throw std::invalid_argument("scales must be positive and finite, zero points numbers; of channel " +
                                    std::to_string(c) + " they are " + std::to_string(scale) + " and " +
                                    std::to_string(zero));
    }
  }

  kernels::FakeQuantization of(int64_t channel, const Buffers& buffers) const {
    const float lowest = static_cast<float>(integers_.lowest),
                highest = static_cast<float>(integers_.highest);
    const float zero = std::clamp(std::nearbyint(zero_point(channel, buffers)), lowest, highest);
    return integers_.with(static_cast<const float*>(scale_.data(buffers))[channel], zero);
  }

 private:
  float zero_point(int64_t channel, const Buffers& buffers) const {
    const void* data = zero_point_.data(buffers);
    return is_whole_ ? static_cast<float>(static_cast<const int32_t*>(data)[channel])
                     : static_cast<const float*>(data)[channel];
  }

  InputValue scale_, zero_point_;
  QuantizedRange integers_;
  int64_t channels_;
  bool is_whole_ = false;
};

// A switch that a call may have. Without one it is on.
class Switch {
 public:
  Switch(const StepSpec& spec, size_t index, const char* what) {
    if (spec.inputs.size() <= index) return;
    value_.emplace(spec, index, what);
    check_state(value_->desc(), DType::s64, 1, what);
  }
  bool is_on(const Buffers& buffers) const { return !value_ || octavo::is_on(*value_, buffers); }

 private:
  std::optional<InputValue> value_;
};

// Inputs: the tensor, scale, zero point, and where there is a switch, whether to quantize.
class AffineFakeQuantize : public Step {
 public:
  explicit AffineFakeQuantize(const StepSpec& spec)
      : x_(spec, 0, "the tensor"),
        runs_(channel_runs(spec, x_.desc())),
        parameters_(spec, 1, runs_),
        quantizes_(spec, 3, "the quantization's switch") {
    check_alike(spec.outputs.at(0), x_.desc());
  }

  void execute(const Buffers& buffers) override {
    const auto* x = static_cast<const float*>(x_.data(buffers));
    auto* out = static_cast<float*>(buffers.outputs[0]);
    if (!quantizes_.is_on(buffers)) {
      if (x != out) std::copy_n(x, runs_.numel(), out);
      return;
    }
    parameters_.check(buffers);
    runs_.each([&](int64_t at, int64_t count, int64_t channel) {
      kernels::fake_quantize_row(x + at, parameters_.of(channel, buffers), out + at, count);
    });
  }
  std::string implementation() const override { return "octavo:affine_fake_quantize"; }

 private:
  InputValue x_;
  ChannelRuns runs_;
  Parameters parameters_;
  Switch quantizes_;
};

// Inputs: the gradient, the tensor, scale, zero point, and where there are switches, whether it was
// quantized, and whether scale and zero point are learned. Outputs: the gradients of the tensor, of scale and
// zero point, the latter two times `gradFactor`.
class LearnableFakeQuantizeGradient : public Step {
 public:
  explicit LearnableFakeQuantizeGradient(const StepSpec& spec)
      : grad_(spec, 0, "the gradient"),
        x_(spec, 1, "the tensor"),
        runs_(channel_runs(spec, x_.desc())),
        parameters_(spec, 2, runs_),
        quantizes_(spec, 4, "the quantization's switch"),
        learns_(spec, 5, "the switch of learning"),
        sums_(runs_, scratch_),
        factor_(spec.attributes.number("gradFactor")) {
    if (spec.outputs.size() != 3) throw std::invalid_argument("there must be 3 results");
    check_alike(spec.outputs[0], x_.desc());
    check_alike(grad_.desc(), x_.desc());
    for (size_t i = 1; i < 3; i++)
      check_state(spec.outputs[i], DType::f32, runs_.channels, "a parameter's gradient");
  }

  void execute(const Buffers& buffers) override {
    const auto *grad = static_cast<const float*>(grad_.data(buffers)),
               *x = static_cast<const float*>(x_.data(buffers));
    auto *out = static_cast<float*>(buffers.outputs[0]), *scale = static_cast<float*>(buffers.outputs[1]),
         *zero_point = static_cast<float*>(buffers.outputs[2]);
    std::fill_n(scale, runs_.channels, 0.0f);
    std::fill_n(zero_point, runs_.channels, 0.0f);
    if (!quantizes_.is_on(buffers)) {
      if (grad != out) std::copy_n(grad, runs_.numel(), out);
      return;
    }
    parameters_.check(buffers);
    if (!learns_.is_on(buffers)) {
      runs_.each([&](int64_t at, int64_t count, int64_t channel) {
        kernels::fake_quantize_gradient_row(grad + at, x + at, parameters_.of(channel, buffers), out + at,
                                            count);
      });
      return;
    }
    const double* sums =
        sums_.add(buffers.scratchpad, [&](int64_t at, int64_t count, int64_t channel, double* channel_sums) {
          kernels::learnable_fake_quantize_gradient_row(grad + at, x + at, parameters_.of(channel, buffers),
                                                        out + at, channel_sums, count);
        });
    for (int64_t c = 0; c < runs_.channels; c++) {
      scale[c] = static_cast<float>(sums[2 * c] * factor_);
      zero_point[c] = static_cast<float>(sums[2 * c + 1] * factor_);
    }
  }
  std::string implementation() const override { return "octavo:learnable_fake_quantize_gradient"; }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  InputValue grad_, x_;
  ScratchLayout scratch_;
  ChannelRuns runs_;
  Parameters parameters_;
  Switch quantizes_, learns_;
  ChannelSums<2> sums_;
  double factor_;
};
}  // namespace

std::unique_ptr<Step> create_affine_fake_quantize(const StepSpec& spec) {
  return std::make_unique<AffineFakeQuantize>(spec);
}
std::unique_ptr<Step> create_learnable_fake_quantize_gradient(const StepSpec& spec) {
  return std::make_unique<LearnableFakeQuantizeGradient>(spec);
}
// A plan gives these their operands row-major.
std::unique_ptr<Step> create_affine_fake_quantize_per_channel(const StepSpec& spec) {
  return create_affine_fake_quantize(spec);
}
std::unique_ptr<Step> create_learnable_fake_quantize_gradient_per_channel(const StepSpec& spec) {
  return create_learnable_fake_quantize_gradient(spec);
}

}  // namespace octavo
