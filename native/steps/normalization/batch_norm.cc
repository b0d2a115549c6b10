// Batch normalization with running statistics: y = (x - mean) / sqrt(variance + eps) * weight + bias.
#include <cmath>
#include <optional>
#include <stdexcept>

#include "contract/input_value.h"
#include "contract/table.h"
#include "kernels/arithmetic.h"
#include "rows/pointwise.h"
#include "rows/row_function.h"
#include "steps/normalization/channel_requantization.h"

namespace octavo {

namespace {
// The shape in which parameters of a channel each are broadcast over x: [C, 1, 1, ...], or [C / B, 1, 1, B]
// for an image whose channels lie in blocks.
Dims per_channel(const TensorDesc& x, int64_t parameters) {
  if (x.shape.size() < 2) throw std::invalid_argument("the input needs a batch and a channel extent");
  Dims shape(x.shape.size() - 1, 1);
  shape[0] = x.shape[1];
  if (x.shape.size() == 5 && parameters == x.shape[1] * x.shape[4]) shape.back() = x.shape.back();
  return shape;
}

PointwiseLoop make_loop(const StepSpec& spec) {
  const auto& x = spec.inputs[0].desc;
  TensorDesc channel{DType::f32, per_channel(x, spec.inputs[1].desc.numel()), {}};
  channel.strides = row_major_strides(channel.shape);
  return PointwiseLoop(pointwise_operand(spec.outputs.at(0), spec.attributes, "output"),
                       {pointwise_operand(x, spec.attributes, "x"), {channel, {}}, {channel, {}}});
}

size_t channels_of(const TensorDesc& x, const TensorDesc& mean) {
  const Dims shape = per_channel(x, mean.numel());
  return static_cast<size_t>(shape[0] * (shape.size() > 1 ? shape.back() : 1));
}

// What no byte comes of is refused, whichever loop computes it: each makes another one of it.
void check_bytes(const PointwiseOperand& output, float eps) {
  const auto& [desc, affine] = output;
  if (!is_byte(desc.dtype)) return;
  if (!std::isfinite(eps))
    throw std::invalid_argument("eps must be finite where the result is " +
                                std::string(dtype_name(desc.dtype)) + ", got " + std::to_string(eps));
  const auto range = kernels::full_range(desc.dtype);
  if (affine.zero_point < range.min || affine.zero_point > range.max)
    throw std::invalid_argument(std::string("a zero point that is not a ") + dtype_name(desc.dtype));
}

// x and the result may be 8-bit integers, a pointwise function may follow.
// Inputs: x, running mean, running variance, then weight and bias where hasWeight and hasBias say so.
class BatchNorm : public Step {
 public:
  explicit BatchNorm(const StepSpec& spec)
      : x_(spec, 0, "the tensor"),
        mean_(spec, 1, "running mean"),
        variance_(spec, 2, "running variance"),
        eps_(static_cast<float>(spec.attributes.number("eps"))),
        scale_(channels_of(x_.desc(), mean_.desc())),
        shift_(scale_.size()),
        function_(spec.attributes),
        loop_(make_loop(spec)) {
    check_bytes(pointwise_operand(spec.outputs[0], spec.attributes, "output"), eps_);
    const auto clamp = function_.clamp();
    if (clamp && ChannelRequantization::takes(x_.desc(), spec.outputs[0]))
      bytes_.emplace(pointwise_operand(x_.desc(), spec.attributes, "x"),
                     pointwise_operand(spec.outputs[0], spec.attributes, "output"), *clamp);
    size_t next = 3;
    if (spec.attributes.boolean("hasWeight")) weight_.emplace(spec, next++, "weight");
    if (spec.attributes.boolean("hasBias")) bias_.emplace(spec, next++, "bias");
    check(mean_, "running mean");
    check(variance_, "running variance");
    if (weight_) check(*weight_, "weight");
    if (bias_) check(*bias_, "bias");
    if (constant_) fold({});
  }

  void execute(const Buffers& buffers) override {
    if (!constant_) fold(buffers);
    if (bytes_) return bytes_->execute(x_.data(buffers), buffers.outputs[0]);
    const void* inputs[] = {x_.data(buffers), scale_.data(), shift_.data()};
    loop_.execute(buffers.outputs[0], inputs, [this](const float* const* in, float* out, int64_t n) {
      kernels::scale_shift_rows(in[0], in[1], in[2], out, n);
      function_.apply(out, n);
    });
  }
  std::string implementation() const override { return "octavo:batch_norm"; }

 private:
  void check(const InputValue& operand, const std::string& what) {
    const auto& desc = operand.desc();
    if (desc.dtype != DType::f32 || !desc.is_contiguous() ||
        desc.numel() != static_cast<int64_t>(scale_.size()))
      throw std::invalid_argument(what + ": float32[" + std::to_string(scale_.size()) + "] expected, got " +
                                  desc.to_string());
    constant_ = constant_ && operand.is_constant();
  }

  // Into one multiplication and one addition a value.
  void fold(const Buffers& buffers) {
    const auto* mean = static_cast<const float*>(mean_.data(buffers));
    const auto* variance = static_cast<const float*>(variance_.data(buffers));
    const auto* weight = weight_ ? static_cast<const float*>(weight_->data(buffers)) : nullptr;
    const auto* bias = bias_ ? static_cast<const float*>(bias_->data(buffers)) : nullptr;
    for (size_t c = 0; c < scale_.size(); c++) {
      scale_[c] = (weight ? weight[c] : 1.0f) / std::sqrt(variance[c] + eps_);
      shift_[c] = (bias ? bias[c] : 0.0f) - mean[c] * scale_[c];
    }
    if (bytes_) bytes_->prepare(scale_, shift_);
  }

  InputValue x_, mean_, variance_;
  std::optional<InputValue> weight_, bias_;
  float eps_;
  std::vector<float> scale_, shift_;
  RowFunction function_;
  PointwiseLoop loop_;
  std::optional<ChannelRequantization> bytes_;
  bool constant_ = true;
};
}  // namespace

std::unique_ptr<Step> create_batch_norm(const StepSpec& spec) { return std::make_unique<BatchNorm>(spec); }

}  // namespace octavo
