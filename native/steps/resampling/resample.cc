// Images of another size: weighted sums of neighbours, one axis after the other.
#include <algorithm>
#include <numeric>
#include <optional>
#include <stdexcept>

#include "contract/input_value.h"
#include "contract/scratch.h"
#include "contract/table.h"
#include "rows/strided.h"
#include "steps/resampling/taps.h"

namespace octavo {

namespace {
// A pass over a dense tensor in the memory order of the output.
struct Pass {
  Taps taps;
  int64_t outer, inner;
};

// Attributes: passes, one for each resampled axis (axis, and those of Taps); outside, the value of positions
// outside of the image.
class Resample : public Step {
 public:
  explicit Resample(const StepSpec& spec)
      : x_(spec, 0, "the tensor"),
        output_(spec.outputs.at(0)),
        outside_(static_cast<float>(spec.attributes.number("outside", 0))) {
    const auto& x = x_.desc();
    if (!is_computed(x.dtype) || output_.dtype != x.dtype || x.shape.size() != output_.shape.size())
      throw std::invalid_argument("float32 or bfloat16, and as many extents as the output, expected; got " +
                                  x.to_string());
    TensorDesc values{DType::f32, x.shape, {}};
    const auto order = memory_order();
    values.strides = dense_strides(values.shape, order);
    if (x.dtype != DType::f32 || !same_places(x, values)) {
      load_.emplace(x, values, kernels::RowConversion::cast(x.dtype, DType::f32));
      loaded_ = scratch_.reserve(values.span_bytes());
    }
    for (const Attributes* pass : passes(spec, order)) {
      const auto axis = static_cast<size_t>(pass->integer("axis"));
      int64_t outer = 1, inner = 1;
      const auto at = std::find(order.begin(), order.end(), axis);
      for (auto i = order.begin(); i != order.end(); ++i) {
        if (i < at) outer *= values.shape[*i];
        if (i > at) inner *= values.shape[*i];
      }
      passes_.push_back({Taps(*pass, values.shape[axis]), outer, inner});
      values.shape[axis] = passes_.back().taps.to();
      values.strides = dense_strides(values.shape, order);
      results_.push_back(scratch_.reserve(values.span_bytes()));
    }
    if (passes_.empty() || values.shape != output_.shape)
      throw std::invalid_argument("the passes make " + values.to_string() + " of " + x.to_string() +
                                  ", not " + output_.to_string());
    if (output_.dtype != DType::f32 || !same_places(output_, values))
      store_.emplace(values, output_, kernels::RowConversion::cast(DType::f32, output_.dtype));
  }

  void execute(const Buffers& buffers) override {
    const auto scratch = [&](size_t offset) {
      return static_cast<float*>(ScratchLayout::at(buffers.scratchpad, offset));
    };
    const auto* values = static_cast<const float*>(x_.data(buffers));
    if (load_) {
      load_->execute(values, scratch(loaded_));
      values = scratch(loaded_);
    }
    for (size_t i = 0; i < passes_.size(); i++) {
      const auto& [taps, outer, inner] = passes_[i];
      const bool is_result = i + 1 == passes_.size() && !store_;
      float* out = is_result ? static_cast<float*>(buffers.outputs[0]) : scratch(results_[i]);
      taps.apply(values, out, outer, inner, outside_);
      values = out;
    }
    if (store_) store_->execute(values, buffers.outputs[0]);
  }
  std::string implementation() const override {
    return load_ || store_ ? "octavo:resample+copy" : "octavo:resample";
  }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  static bool is_computed(DType dtype) { return dtype == DType::f32 || dtype == DType::bf16; }

  static bool same_places(const TensorDesc& a, const TensorDesc& b) {
    for (size_t i = 0; i < a.shape.size(); i++)
      if (a.shape[i] != 1 && a.strides[i] != b.strides[i]) return false;
    return true;
  }

  // The output's axes from the outermost one in memory to the innermost.
  std::vector<size_t> memory_order() const {
    std::vector<size_t> order(output_.shape.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return output_.strides[a] > output_.strides[b]; });
    return order;
  }

  static Dims dense_strides(const Dims& shape, const std::vector<size_t>& order) {
    Dims strides(shape.size());
    int64_t step = 1;
    for (auto axis = order.rbegin(); axis != order.rend(); ++axis) {
      strides[*axis] = step;
      step *= std::max<int64_t>(shape[*axis], 1);
    }
    return strides;
  }

  // Axes that shrink come first, the outermost before the others: fewer values are left, and rows are longest
  // there. Those that grow follow, the innermost first, for the same reasons.
  std::vector<const Attributes*> passes(const StepSpec& spec, const std::vector<size_t>& order) const {
    std::vector<const Attributes*> result;
    for (const auto& pass : spec.attributes.list("passes")) {
      const int64_t axis = pass.integer("axis");
      if (axis < 0 || axis >= static_cast<int64_t>(output_.shape.size()))
        throw std::invalid_argument("axis " + std::to_string(axis) + " is out of range");
      result.push_back(&pass);
    }
    const auto rank = [&](const Attributes* pass) {
      const auto axis = static_cast<size_t>(pass->integer("axis"));
      const int64_t at = std::find(order.begin(), order.end(), axis) - order.begin();
      const bool shrinks = output_.shape[axis] < x_.desc().shape[axis];
      return shrinks ? at : 2 * static_cast<int64_t>(order.size()) - at;
    };
    std::stable_sort(result.begin(), result.end(),
                     [&](const Attributes* a, const Attributes* b) { return rank(a) < rank(b); });
    return result;
  }

  ScratchLayout scratch_;
  InputValue x_;
  TensorDesc output_;
  float outside_;
  std::vector<Pass> passes_;
  std::vector<size_t> results_;  // of the passes, in the scratchpad
  std::optional<StridedConversion> load_, store_;
  size_t loaded_ = 0;
};
}  // namespace

std::unique_ptr<Step> create_resample(const StepSpec& spec) { return std::make_unique<Resample>(spec); }

}  // namespace octavo
