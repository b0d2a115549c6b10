// Fake quantization for training: the moving average of a tensor's range, the parameters that follow from it,
// and the tensor rounded to them (PyTorch: fused_moving_avg_obs_fake_quant). Its gradient passes where
// nothing was clamped.
#include "kernels/training/fake_quantize.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>

#include "contract/input_value.h"
#include "contract/scratch.h"
#include "contract/table.h"
#include "kernels/parallel.h"
#include "observe/min_max.h"

namespace octavo {

namespace {
// Elements that a thread takes at once.
constexpr int64_t kBlock = 16 * 1024;
// A scale below float16's normal range is raised to it, as PyTorch's kernel does.
constexpr float kSmallestScale = 6.1e-5f;

// A tensor folded around the axis whose slices have parameters of their own: [outer, channels, inner].
struct Folded {
  int64_t outer = 1, channels = 1, inner = 1;

  int64_t numel() const { return outer * channels * inner; }
};

Folded fold(const StepSpec& spec, const TensorDesc& x) {
  const int64_t axis = spec.attributes.integer("axis", -1), rank = static_cast<int64_t>(x.shape.size());
  if (x.dtype != DType::f32)
    throw std::invalid_argument("fake quantization is of float32, got " + x.to_string());
  if (axis >= rank) throw std::invalid_argument("there is no axis " + std::to_string(axis));
  if (axis < 0) return {1, 1, x.numel()};
  if (!x.is_contiguous())
    throw std::invalid_argument("channels are quantized row-major, got " + x.to_string());
  Folded folded;
  for (int64_t i = 0; i < rank; i++)
    (i < axis ? folded.outer : i == axis ? folded.channels : folded.inner) *= x.shape[static_cast<size_t>(i)];
  return folded;
}

// Per tensor the order does not matter, as long as both have the same one and no gaps.
void check_alike(const TensorDesc& a, const TensorDesc& b) {
  bool same = a.shape == b.shape && a.dtype == b.dtype;
  for (size_t i = 0; same && i < a.shape.size(); i++) same = a.shape[i] < 2 || a.strides[i] == b.strides[i];
  const auto bytes = static_cast<size_t>(a.numel()) * sizeof(float);
  if (!same || a.span_bytes() != bytes)
    throw std::invalid_argument("all tensors must be " + a.to_string() + " in one dense order");
}

// body(first element, count, channel) for runs of elements that have the same parameters.
template <typename Body>
void each_run(const Folded& folded, const Body& body) {
  const int64_t inner = folded.inner, channels = folded.channels, parts = (inner + kBlock - 1) / kBlock;
  kernels::parallel_for(folded.outer * channels * parts, folded.numel() * int64_t{sizeof(float)},
                        [&](int64_t item) {
                          const int64_t run = item / parts, first = item % parts * kBlock;
                          body(run * inner + first, std::min(kBlock, inner - first), run % channels);
                        });
}

struct Integers {
  int32_t lowest, highest;

  explicit Integers(const Attributes& attributes)
      : lowest(static_cast<int32_t>(attributes.integer("quantMin"))),
        highest(static_cast<int32_t>(attributes.integer("quantMax"))) {
    // Integers beyond have no float32 of their own.
    constexpr int64_t kMost = 1 << 24;
    if (lowest >= highest || int64_t{highest} - lowest > kMost)
      throw std::invalid_argument("quantMin must be below quantMax, by at most " + std::to_string(kMost));
  }
};

kernels::FakeQuantization parameters(float scale, int32_t zero_point, const Integers& integers) {
  return {scale, 1.0f / scale, static_cast<float>(zero_point), static_cast<float>(integers.lowest),
          static_cast<float>(integers.highest)};
}

// Whether a switch of one int64 is on.
bool is_on(const InputValue& input, const Buffers& buffers) {
  return *static_cast<const int64_t*>(input.data(buffers)) != 0;
}

struct Parameters {
  float scale;
  int32_t zero_point;
};

// What PyTorch's kernel chooses for a range, in its precision.
Parameters choose(float min, float max, const Integers& integers, bool symmetric) {
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

void check_state(const StepInput& input, DType dtype, int64_t count, const char* what) {
  const auto& desc = input.desc;
  if (desc.dtype != dtype || desc.numel() != count || !desc.is_contiguous())
    throw std::invalid_argument(std::string(what) + ": " + dtype_name(dtype) + "[" + std::to_string(count) +
                                "] expected, got " + desc.to_string());
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
        folded_(fold(spec, x_.desc())),
        integers_(spec.attributes),
        constant_(static_cast<float>(spec.attributes.number("averagingConstant"))),
        symmetric_(spec.attributes.boolean("symmetric")) {
    check_alike(spec.outputs.at(0), x_.desc());
    if (folded_.numel() == 0) throw std::invalid_argument("an empty tensor has no range to quantize by");
    if (spec.outputs.size() != 5) throw std::invalid_argument("there must be 5 results");
    const int64_t channels = folded_.channels;
    check_state(spec.inputs[1], DType::s64, 1, "the observer's switch");
    check_state(spec.inputs[2], DType::s64, 1, "the quantization's switch");
    const DType types[] = {DType::f32, DType::f32, DType::f32, DType::s32};
    for (size_t i = 0; i < 4; i++) {
      check_state(spec.inputs[3 + i], types[i], channels, "the state");
      check_state({spec.outputs[1 + i], nullptr}, types[i], channels, "the new state");
    }
    blocks_ = channels > 1 ? 1 : (folded_.numel() + kBlock - 1) / kBlock;
    extremes_ = scratch_.reserve(static_cast<size_t>(2 * std::max(blocks_, channels)) * sizeof(float));
  }

  void execute(const Buffers& buffers) override {
    const auto* x = static_cast<const float*>(x_.data(buffers));
    auto* scale = static_cast<float*>(buffers.outputs[3]);
    auto* zero_point = static_cast<int32_t*>(buffers.outputs[4]);
    const int64_t channels = folded_.channels;
    std::copy_n(static_cast<const float*>(min_.data(buffers)), channels,
                static_cast<float*>(buffers.outputs[1]));
    std::copy_n(static_cast<const float*>(max_.data(buffers)), channels,
                static_cast<float*>(buffers.outputs[2]));
    std::copy_n(static_cast<const float*>(scale_.data(buffers)), channels, scale);
    std::copy_n(static_cast<const int32_t*>(zero_point_.data(buffers)), channels, zero_point);
    if (is_on(observes_, buffers)) observe(x, buffers, scale, zero_point);
    auto* out = static_cast<float*>(buffers.outputs[0]);
    if (!is_on(quantizes_, buffers)) {
      if (x != out) std::copy_n(x, folded_.numel(), out);
      return;
    }
    each_run(folded_, [&](int64_t at, int64_t count, int64_t channel) {
      kernels::fake_quantize_row(x + at, parameters(scale[channel], zero_point[channel], integers_), out + at,
                                 count);
    });
  }
  std::string implementation() const override { return "octavo:fake_quantize"; }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  void observe(const float* x, const Buffers& buffers, float* scale, int32_t* zero_point) const {
    auto* minima = static_cast<float*>(ScratchLayout::at(buffers.scratchpad, extremes_));
    float* maxima = minima + std::max(blocks_, folded_.channels);
    range_of(x, minima, maxima);
    auto *min = static_cast<float*>(buffers.outputs[1]), *max = static_cast<float*>(buffers.outputs[2]);
    for (int64_t c = 0; c < folded_.channels; c++) {
      min[c] = mixed(min[c], minima[c]);
      max[c] = mixed(max[c], maxima[c]);
      if (!std::isfinite(min[c]) || !std::isfinite(max[c]))
        throw std::invalid_argument("values from " + std::to_string(min[c]) + " to " +
                                    std::to_string(max[c]) + " have no quantization parameters");
      const auto chosen = choose(min[c], max[c], integers_, symmetric_);
      scale[c] = chosen.scale;
      zero_point[c] = chosen.zero_point;
    }
  }

  void range_of(const float* x, float* minima, float* maxima) const {
    const auto [outer, channels, inner] = folded_;
    bool has_nan = false;
    if (channels > 1) {
      const auto size = [](int64_t n) { return static_cast<size_t>(n); };
      has_nan = observe::min_max({x, size(outer), size(channels), size(inner)}, minima, maxima);
    } else {
      const int64_t count = folded_.numel();
      std::vector<char> nan(static_cast<size_t>(blocks_));
      kernels::parallel_for(blocks_, count * int64_t{sizeof(float)}, [&](int64_t block) {
        const int64_t first = block * kBlock;
        const auto length = static_cast<size_t>(std::min(kBlock, count - first));
        nan[static_cast<size_t>(block)] =
            observe::min_max({x + first, 1, 1, length}, minima + block, maxima + block);
      });
      for (const char block : nan) has_nan = has_nan || block;
      minima[0] = *std::min_element(minima, minima + blocks_);
      maxima[0] = *std::max_element(maxima, maxima + blocks_);
    }
    if (has_nan)
      throw std::invalid_argument("the tensor holds NaN, for which there are no quantization parameters");
  }

  // The first tensor sets the range, later ones move it.
  float mixed(float seen, float now) const {
    return std::isinf(seen) ? now : seen + constant_ * (now - seen);
  }

  InputValue x_, observes_, quantizes_, min_, max_, scale_, zero_point_;
  Folded folded_;
  Integers integers_;
  float constant_;
  bool symmetric_;
  int64_t blocks_ = 1;
  ScratchLayout scratch_;
  size_t extremes_ = 0;
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
        folded_(fold(spec, x_.desc())),
        integers_(spec.attributes) {
    check_alike(spec.outputs.at(0), x_.desc());
    check_alike(grad_.desc(), x_.desc());
    check_state(spec.inputs[2], DType::s64, 1, "the quantization's switch");
    check_state(spec.inputs[3], DType::f32, folded_.channels, "the scale");
    check_state(spec.inputs[4], DType::s32, folded_.channels, "the zero point");
  }

  void execute(const Buffers& buffers) override {
    const auto *grad = static_cast<const float*>(grad_.data(buffers)),
               *x = static_cast<const float*>(x_.data(buffers));
    const auto* scale = static_cast<const float*>(scale_.data(buffers));
    const auto* zero_point = static_cast<const int32_t*>(zero_point_.data(buffers));
    auto* out = static_cast<float*>(buffers.outputs[0]);
    if (!is_on(quantizes_, buffers)) {
      if (grad != out) std::copy_n(grad, folded_.numel(), out);
      return;
    }
    each_run(folded_, [&](int64_t at, int64_t count, int64_t channel) {
      const auto with = parameters(scale[channel], zero_point[channel], integers_);
      kernels::fake_quantize_gradient_row(grad + at, x + at, with, out + at, count);
    });
  }
  std::string implementation() const override { return "octavo:fake_quantize_gradient"; }

 private:
  InputValue grad_, x_, quantizes_, scale_, zero_point_;
  Folded folded_;
  Integers integers_;
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
