// The range of a tensor's elements so far, and the quantization parameters that follow from it by an
// observer's rule (PyTorch: UniformQuantizationObserverBase).
#include <cmath>
#include <stdexcept>
#include <vector>

#include "contract/table.h"
#include "kernels/training/fake_quantize.h"
#include "operands/operand.h"
#include "steps/quantization/channel_statistics.h"

namespace octavo {

namespace {
// Parts of a range that a search for the least squared error tries: every 3%.
constexpr int kParts = 32;

float positive(float scale, float smallest) { return scale > smallest ? scale : smallest; }

std::optional<float> optional_number(const Attributes& attributes, const char* name) {
  if (!attributes.has(name)) return std::nullopt;
  return static_cast<float>(attributes.number(name));
}

// Per tensor any dense order will do.
TensorDesc in_order(const StepSpec& spec, const TensorDesc& x) {
  const bool is_dense = x.span_bytes() == static_cast<size_t>(x.numel()) * sizeof(float);
  return is_dense && spec.attributes.integer("axis", -1) < 0 ? x : row_major(x);
}

// Inputs: the tensor, the switch, the range so far (min, max), scale, zero point. Outputs: the new ones of
// the last four. A range that has seen nothing yet takes the first tensor, whatever the switch says.
class ObserveRange : public Step {
 public:
  explicit ObserveRange(const StepSpec& spec)
      : order_(in_order(spec, spec.input(0, "the tensor").desc)),
        x_(spec.inputs[0], spec.inputs[0].desc, order_, scratch_),
        observes_(spec, 1, "the observer's switch"),
        min_(spec, 2, "the smallest value"),
        max_(spec, 3, "the largest value"),
        scale_(spec, 4, "the scale"),
        zero_point_(spec, 5, "the zero point"),
        runs_(channel_runs(spec, order_)),
        extremes_(runs_, scratch_),
        integers_(spec.attributes),
        constant_(optional_number(spec.attributes, "averagingConstant")),
        balanced_zero_(optional_number(spec.attributes, "symmetricZeroPoint")),
        eps_(static_cast<float>(spec.attributes.number("eps"))),
        smallest_(static_cast<float>(spec.attributes.number("smallestScale"))) {
    if (spec.attributes.boolean("searches")) errors_.emplace(runs_, scratch_);
    if (spec.outputs.size() != 4) throw std::invalid_argument("there must be 4 results");
    check_state(spec.inputs[1].desc, DType::s64, 1, "the observer's switch");
    is_whole_ = spec.outputs[3].dtype == DType::s32;
    const DType types[] = {DType::f32, DType::f32, DType::f32, is_whole_ ? DType::s32 : DType::f32};
    for (size_t i = 0; i < 4; i++) {
      check_state(spec.inputs[2 + i].desc, types[i], runs_.channels, "the state");
      check_state(spec.outputs[i], types[i], runs_.channels, "the new state");
    }
  }

  void execute(const Buffers& buffers) override {
    const int64_t channels = runs_.channels;
    const auto copied = [&](const InputValue& from, size_t to) {
      auto* out = static_cast<float*>(buffers.outputs[to]);
      std::copy_n(static_cast<const float*>(from.data(buffers)), channels, out);
      return out;
    };
    float *min = copied(min_, 0), *max = copied(max_, 1), *scale = copied(scale_, 2);
    copied(zero_point_, 3);  // of four bytes each, integers or not
    const bool has_seen = std::none_of(min, min + channels, [](float each) { return std::isinf(each); });
    if (has_seen && !is_on(observes_, buffers)) {
      for (int64_t c = 0; c < channels; c++) {
        if (std::isnan(scale[c])) throw std::invalid_argument("a scale is NaN");
        scale[c] = positive(scale[c], smallest_);
      }
      return;
    }
    move(static_cast<const float*>(x_.resolve(buffers.inputs[0], buffers.scratchpad)), min, max, buffers);
    for (int64_t c = 0; c < channels; c++) write(choose(min[c], max[c]), min[c], max[c], c, buffers);
  }
  std::string implementation() const override { return x_.prefix() + "octavo:observe_range"; }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  void move(const float* x, float* min, float* max, const Buffers& buffers) const {
    const auto [minima, maxima] = extremes_.find(x, buffers.scratchpad);
    const double* errors = errors_ ? squared_errors(x, minima, maxima, buffers.scratchpad) : nullptr;
    for (int64_t c = 0; c < runs_.channels; c++) {
      const float part = errors ? best_part(errors + kParts * c) : 1.0f;
      move_range(min[c], max[c], part * minima[c], part * maxima[c], constant_);
    }
  }

  // Of every part of every channel's range.
  const double* squared_errors(const float* x, const float* minima, const float* maxima,
                               void* scratchpad) const {
    return errors_->add(scratchpad, [&](int64_t at, int64_t count, int64_t c, double* sums) {
      for (int i = 0; i < kParts; i++) {
        const auto [scale, zero_point] = choose(part_of(i) * minima[c], part_of(i) * maxima[c]);
        sums[i] += kernels::squared_error_row(x + at, integers_.with(scale, zero_point), count);
      }
    });
  }

  static float part_of(int i) { return static_cast<float>(i + 1) / kParts; }
  // The largest one where several are equal.
  static float best_part(const double* errors) {
    int best = kParts - 1;
    for (int i = best; i >= 0; i--)
      if (errors[i] < errors[best]) best = i;
    return part_of(best);
  }

  struct Chosen {
    float scale, zero_point;
  };

  Chosen choose(float min, float max) const {
    const auto steps = static_cast<float>(integers_.highest - integers_.lowest);
    min = std::min(min, 0.0f);
    max = std::max(max, 0.0f);
    if (balanced_zero_) return {positive(std::max(-min, max) / (steps / 2), eps_), *balanced_zero_};
    const float scale = positive((max - min) / steps, eps_);
    const auto lowest = static_cast<float>(integers_.lowest), highest = static_cast<float>(integers_.highest);
    return {scale, std::clamp(lowest - std::nearbyint(min / scale), lowest, highest)};
  }

  void write(const Chosen& chosen, float min, float max, int64_t channel, const Buffers& buffers) const {
    if (!std::isfinite(chosen.scale))
      throw std::invalid_argument("values from " + std::to_string(min) + " to " + std::to_string(max) +
                                  " span more than float32 can hold");
    static_cast<float*>(buffers.outputs[2])[channel] = chosen.scale;
    if (is_whole_)
      static_cast<int32_t*>(buffers.outputs[3])[channel] = static_cast<int32_t>(chosen.zero_point);
    else
      static_cast<float*>(buffers.outputs[3])[channel] = chosen.zero_point;
  }

  ScratchLayout scratch_;
  TensorDesc order_;
  Operand x_;
  InputValue observes_, min_, max_, scale_, zero_point_;
  ChannelRuns runs_;
  ChannelExtremes extremes_;
  std::optional<ChannelSums<kParts>> errors_;  // of a search
  QuantizedRange integers_;
  std::optional<float> constant_, balanced_zero_;
  float eps_, smallest_;
  bool is_whole_ = false;
};
}  // namespace

std::unique_ptr<Step> create_observe_range(const StepSpec& spec) {
  return std::make_unique<ObserveRange>(spec);
}

}  // namespace octavo
