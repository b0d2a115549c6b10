// Layer normalization over the last extents, by mean and variance or by the mean of squares, and group
// normalization over groups of channels with what lies behind them. The result may be quantized.
#include <algorithm>
#include <optional>
#include <stdexcept>

#include "contract/input_value.h"
#include "contract/table.h"
#include "kernels/arithmetic.h"
#include "kernels/normalization.h"
#include "rows/rows.h"

namespace octavo {

namespace {
// The parameters that follow the tensor, where hasWeight and hasBias say so: `count` float32 values each.
struct Parameters {
  std::optional<InputValue> weight, bias;

  Parameters(const StepSpec& spec, int64_t count) {
    size_t next = 1;
    if (spec.attributes.boolean("hasWeight")) weight.emplace(spec, next++, "weight");
    if (spec.attributes.boolean("hasBias")) bias.emplace(spec, next++, "bias");
    for (const auto* value : {&weight, &bias})
      if (*value) check((*value)->desc(), value == &weight ? "weight" : "bias", count);
  }

  static void check(const TensorDesc& desc, const char* what, int64_t count) {
    if (desc.dtype != DType::f32 || desc.numel() != count || !desc.is_contiguous())
      throw std::invalid_argument(std::string(what) + ": " + std::to_string(count) +
                                  " float32 values expected, got " + desc.to_string());
  }

  static const float* data(const std::optional<InputValue>& value, const Buffers& buffers) {
    return value ? static_cast<const float*>(value->data(buffers)) : nullptr;
  }
};

std::vector<size_t> last_axes(const StepSpec& spec) {
  const auto& shape = spec.input(0, "the tensor").desc.shape;
  const Dims normalized = spec.attributes.dims("normalizedShape");
  const size_t rank = shape.size(), count = normalized.size();
  if (count == 0 || count > rank || !std::equal(normalized.begin(), normalized.end(), shape.end() - count))
    throw std::invalid_argument("normalizedShape must be the input's last extents");
  std::vector<size_t> axes;
  for (size_t i = rank - count; i < rank; i++) axes.push_back(i);
  return axes;
}

// Attributes: normalizedShape, eps, hasWeight, hasBias; rootMeanSquare: the mean is not subtracted.
class LayerNorm : public Step {
 public:
  explicit LayerNorm(const StepSpec& spec)
      : x_(spec, 0, "the tensor"),
        eps_(static_cast<float>(spec.attributes.number("eps"))),
        standardize_(spec.attributes.boolean("rootMeanSquare", false) ? kernels::normalize_row
                                                                      : kernels::standardize_row),
        rows_(x_.desc(), spec.outputs.at(0), last_axes(spec), source_of(spec), target_of(spec), scratch_),
        parameters_(spec, rows_.length()) {}

  void execute(const Buffers& buffers) override {
    const int64_t n = rows_.length();
    const float* weight = Parameters::data(parameters_.weight, buffers);
    const float* bias = Parameters::data(parameters_.bias, buffers);
    rows_.execute(x_.data(buffers), buffers.outputs[0], buffers.scratchpad,
                  [&](const float* x, float* out, int64_t) {
                    standardize_(x, out, n, eps_);
                    if (weight && bias) return kernels::scale_shift_rows(out, weight, bias, out, n);
                    if (weight) kernels::multiply_rows(out, weight, out, n);
                    if (bias) kernels::add_rows(out, bias, out, n);
                  });
  }
  std::string implementation() const override { return rows_.implementation("layer_norm"); }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  InputValue x_;
  float eps_;
  void (*standardize_)(const float* x, float* out, int64_t n, float eps);
  ScratchLayout scratch_;
  RowLoop rows_;
  Parameters parameters_;
};

// [N, C, ...] as [N, groups, C / groups, ...]: channels of one group lie at equal distances, so this is a
// view.
TensorDesc grouped(TensorDesc desc, int64_t groups) {
  if (desc.shape.size() < 2 || groups < 1 || desc.shape[1] % groups != 0)
    throw std::invalid_argument(std::to_string(groups) + " groups do not divide the channels of " +
                                desc.to_string());
  const int64_t channels = desc.shape[1] / groups, stride = desc.strides[1];
  desc.shape[1] = channels;
  desc.shape.insert(desc.shape.begin() + 1, groups);
  desc.strides.insert(desc.strides.begin() + 1, stride * channels);
  return desc;
}

std::vector<size_t> axes_from(size_t first, size_t rank) {
  std::vector<size_t> axes;
  for (size_t i = first; i < rank; i++) axes.push_back(i);
  return axes;
}

class GroupNorm : public Step {
 public:
  explicit GroupNorm(const StepSpec& spec)
      : x_(spec, 0, "the tensor"),
        eps_(static_cast<float>(spec.attributes.number("eps"))),
        groups_(spec.attributes.integer("groups")),
        rows_(grouped(x_.desc(), groups_), grouped(spec.outputs.at(0), groups_),
              axes_from(2, x_.desc().shape.size() + 1), source_of(spec), target_of(spec), scratch_),
        channels_(x_.desc().shape[1] / groups_),
        parameters_(spec, x_.desc().shape[1]) {}

  void execute(const Buffers& buffers) override {
    const int64_t n = rows_.length(), pixels = channels_ ? n / channels_ : 0;
    const float* weight = Parameters::data(parameters_.weight, buffers);
    const float* bias = Parameters::data(parameters_.bias, buffers);
    rows_.execute(x_.data(buffers), buffers.outputs[0], buffers.scratchpad,
                  [&](const float* x, float* out, int64_t index) {
                    kernels::standardize_row(x, out, n, eps_);
                    if (!weight && !bias) return;
                    for (int64_t c = 0; c < channels_; c++) {
                      const int64_t channel = index % groups_ * channels_ + c;
                      float* plane = out + c * pixels;
                      kernels::linear_row(plane, weight ? weight[channel] : 1, bias ? bias[channel] : 0,
                                          plane, pixels);
                    }
                  });
  }
  std::string implementation() const override { return rows_.implementation("group_norm"); }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  InputValue x_;
  float eps_;
  int64_t groups_;
  ScratchLayout scratch_;
  RowLoop rows_;
  int64_t channels_;
  Parameters parameters_;
};
}  // namespace

std::unique_ptr<Step> create_layer_norm(const StepSpec& spec) { return std::make_unique<LayerNorm>(spec); }
std::unique_ptr<Step> create_group_norm(const StepSpec& spec) { return std::make_unique<GroupNorm>(spec); }

}  // namespace octavo
