// Batch normalization by the batch's own statistics, and its gradient (PyTorch:
// _native_batch_norm_legit_functional and native_batch_norm_backward).
#include <cmath>
#include <optional>
#include <stdexcept>

#include "contract/input_value.h"
#include "contract/scratch.h"
#include "contract/table.h"
#include "kernels/arithmetic.h"
#include "kernels/training/channel_sums.h"
#include "operands/operand.h"
#include "operands/stored_result.h"
#include "steps/normalization/channel_image.h"

namespace octavo {

namespace {
const float* floats(const InputValue& input, const Buffers& buffers) {
  return static_cast<const float*>(input.data(buffers));
}

void check_channels(const TensorDesc& desc, int64_t channels, const std::string& what) {
  if (desc.dtype != DType::f32 || !desc.is_contiguous() || desc.numel() != channels)
    throw std::invalid_argument(what + ": float32[" + std::to_string(channels) + "] expected, got " +
                                desc.to_string());
}

// The order that the loops read and write: the given one where it is row-major or channels-last.
TensorDesc in_order(const TensorDesc& desc) {
  const bool is_image = desc.shape.size() == 4 || desc.shape.size() == 5;
  return is_image && !desc.is_contiguous() ? channels_last(desc) : row_major(desc);
}

TensorDesc alike(const TensorDesc& desc, const TensorDesc& wanted, const std::string& what) {
  if (desc.dtype != wanted.dtype || desc.shape != wanted.shape)
    throw std::invalid_argument(what + " must be " + wanted.to_string() + ", got " + desc.to_string());
  return wanted;
}

// Inputs: x, running mean, running variance, then weight and bias where hasWeight and hasBias say so.
// Outputs: the result, the batch's mean, 1 / sqrt(variance + eps), the new running statistics.
class BatchNormTraining : public Step {
 public:
  explicit BatchNormTraining(const StepSpec& spec)
      : order_(in_order(spec.input(0, "the tensor").desc)),
        x_(spec.inputs[0], spec.inputs[0].desc, order_, scratch_),
        out_(spec.outputs.at(0), alike(spec.outputs.at(0), order_, "the result"), scratch_),
        running_mean_(spec, 1, "running mean"),
        running_variance_(spec, 2, "running variance"),
        image_(order_, "the tensor"),
        eps_(spec.attributes.number("eps")),
        momentum_(spec.attributes.number("momentum")) {
    size_t next = 3;
    if (spec.attributes.boolean("hasWeight")) weight_.emplace(spec, next++, "weight");
    if (spec.attributes.boolean("hasBias")) bias_.emplace(spec, next++, "bias");
    for (size_t i = 1; i < spec.inputs.size(); i++)
      check_channels(spec.inputs[i].desc, image_.channels, "a parameter of batch norm");
    if (spec.outputs.size() != 5) throw std::invalid_argument("there must be 5 results");
    for (size_t i = 1; i < 5; i++) check_channels(spec.outputs[i], image_.channels, "a statistic");
    if (image_.count() < 2)
      throw std::invalid_argument("a batch's statistics need more than one value a channel, got " +
                                  order_.to_string());
    const auto doubles = static_cast<size_t>(2 * image_.channels + image_.scratch());
    sums_ = scratch_.reserve(doubles * sizeof(double));
    scale_ = scratch_.reserve(static_cast<size_t>(2 * image_.channels) * sizeof(float));
  }

  void execute(const Buffers& buffers) override {
    const int64_t channels = image_.channels;
    const auto* x = static_cast<const float*>(x_.resolve(buffers.inputs[0], buffers.scratchpad));
    auto* sums = static_cast<double*>(ScratchLayout::at(buffers.scratchpad, sums_));
    double* squares = sums + channels;
    image_.sum(
        sums, squares, squares + channels,
        [&](int64_t at, double* first, double* second) {
          kernels::add_pixel(x + at, first, second, channels);
        },
        [&](int64_t at, int64_t, double* first, double* second) {
          kernels::add_plane(x + at, first, second, image_.pixels);
        });
    auto* scale = static_cast<float*>(ScratchLayout::at(buffers.scratchpad, scale_));
    float* shift = scale + channels;
    for (int64_t c = 0; c < channels; c++) finish(buffers, c, sums[c], squares[c], scale[c], shift[c]);
    auto* out = static_cast<float*>(out_.target(buffers.outputs[0], buffers.scratchpad));
    image_.each([&](int64_t at) { kernels::scale_shift_rows(x + at, scale, shift, out + at, channels); },
                [&](int64_t at, int64_t c) {
                  kernels::linear_row(x + at, scale[c], shift[c], out + at, image_.pixels);
                });
    out_.finish(buffers.outputs[0], buffers.scratchpad);
  }
  std::string implementation() const override {
    return x_.prefix() + "octavo:batch_norm_training" + out_.suffix();
  }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  // A channel's statistics, and what its elements are multiplied with and shifted by.
  void finish(const Buffers& buffers, int64_t c, double sum, double square, float& scale,
              float& shift) const {
    const auto output = [&](size_t index) { return static_cast<float*>(buffers.outputs[index]) + c; };
    const double n = static_cast<double>(image_.count()), mean = sum / n;
    const double variance = std::max(square / n - mean * mean, 0.0), inverse = 1 / std::sqrt(variance + eps_);
    *output(1) = static_cast<float>(mean);
    *output(2) = static_cast<float>(inverse);
    const auto mixed = [&](const InputValue& old, double now) {
      return static_cast<float>((1 - momentum_) * floats(old, buffers)[c] + momentum_ * now);
    };
    *output(3) = mixed(running_mean_, mean);
    *output(4) = mixed(running_variance_, variance * n / (n - 1));  // as an estimate, not as a divisor
    const double factor = (weight_ ? floats(*weight_, buffers)[c] : 1.0f) * inverse;
    scale = static_cast<float>(factor);
    shift = static_cast<float>((bias_ ? floats(*bias_, buffers)[c] : 0.0f) - mean * factor);
  }

  ScratchLayout scratch_;
  TensorDesc order_;
  Operand x_;
  Result out_;
  InputValue running_mean_, running_variance_;
  std::optional<InputValue> weight_, bias_;
  ChannelImage image_;
  double eps_, momentum_;
  size_t sums_ = 0, scale_ = 0;
};

// Inputs: the gradient, x, the batch's mean and 1 / sqrt(variance + eps), then the weight where hasWeight
// says so. Outputs: the gradients of x, of the weight, of the bias.
class BatchNormGradient : public Step {
 public:
  explicit BatchNormGradient(const StepSpec& spec)
      : order_(in_order(spec.input(1, "the tensor").desc)),
        grad_(spec.inputs[0], spec.inputs[0].desc, alike(spec.inputs[0].desc, order_, "the gradient"),
              scratch_),
        x_(spec.inputs[1], spec.inputs[1].desc, order_, scratch_),
        out_(spec.outputs.at(0), alike(spec.outputs.at(0), order_, "the result"), scratch_),
        mean_(spec, 2, "the mean"),
        inverse_(spec, 3, "the inverse deviation"),
        image_(order_, "the tensor") {
    if (spec.attributes.boolean("hasWeight")) weight_.emplace(spec, 4, "weight");
    for (size_t i = 2; i < spec.inputs.size(); i++)
      check_channels(spec.inputs[i].desc, image_.channels, "a parameter of batch norm");
    if (spec.outputs.size() != 3) throw std::invalid_argument("there must be 3 results");
    for (size_t i = 1; i < 3; i++) check_channels(spec.outputs[i], image_.channels, "a parameter's gradient");
    const auto doubles = static_cast<size_t>(2 * image_.channels + image_.scratch());
    sums_ = scratch_.reserve(doubles * sizeof(double));
    factors_ = scratch_.reserve(static_cast<size_t>(3 * image_.channels) * sizeof(float));
  }

  void execute(const Buffers& buffers) override {
    const int64_t channels = image_.channels;
    const auto* grad = static_cast<const float*>(grad_.resolve(buffers.inputs[0], buffers.scratchpad));
    const auto* x = static_cast<const float*>(x_.resolve(buffers.inputs[1], buffers.scratchpad));
    const auto* mean = floats(mean_, buffers);
    auto* sums = static_cast<double*>(ScratchLayout::at(buffers.scratchpad, sums_));
    double* products = sums + channels;
    image_.sum(
        sums, products, products + channels,
        [&](int64_t at, double* first, double* second) {
          kernels::add_pixel_gradient(grad + at, x + at, mean, first, second, channels);
        },
        [&](int64_t at, int64_t c, double* first, double* second) {
          kernels::add_plane_gradient(grad + at, x + at, mean[c], first, second, image_.pixels);
        });
    auto* a = static_cast<float*>(ScratchLayout::at(buffers.scratchpad, factors_));
    float *b = a + channels, *c = b + channels;
    for (int64_t i = 0; i < channels; i++) finish(buffers, i, sums[i], products[i], a[i], b[i], c[i]);
    auto* out = static_cast<float*>(out_.target(buffers.outputs[0], buffers.scratchpad));
    image_.each([&](int64_t at) { kernels::combine_pixel(grad + at, x + at, a, b, c, out + at, channels); },
                [&](int64_t at, int64_t i) {
                  kernels::combine_plane(grad + at, x + at, a[i], b[i], c[i], out + at, image_.pixels);
                });
    out_.finish(buffers.outputs[0], buffers.scratchpad);
  }
  std::string implementation() const override {
    return grad_.prefix() + x_.prefix() + "octavo:batch_norm_gradient" + out_.suffix();
  }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  // With z = (x - mean) * inverse, the gradient of x is weight * inverse * (grad - mean(grad) - z * mean(grad
  // * z)): a * grad + b * x + c.
  void finish(const Buffers& buffers, int64_t i, double sum, double product, float& a, float& b,
              float& c) const {
    const double n = static_cast<double>(image_.count());
    const double mean = floats(mean_, buffers)[i], inverse = floats(inverse_, buffers)[i];
    const double factor = (weight_ ? floats(*weight_, buffers)[i] : 1.0f) * inverse;
    static_cast<float*>(buffers.outputs[1])[i] = static_cast<float>(product * inverse);
    static_cast<float*>(buffers.outputs[2])[i] = static_cast<float>(sum);
    const double slope = -factor * inverse * inverse * product / n;
    a = static_cast<float>(factor);
    b = static_cast<float>(slope);
    c = static_cast<float>(-factor * sum / n - slope * mean);
  }

  ScratchLayout scratch_;
  TensorDesc order_;
  Operand grad_, x_;
  Result out_;
  InputValue mean_, inverse_;
  std::optional<InputValue> weight_;
  ChannelImage image_;
  size_t sums_ = 0, factors_ = 0;
};
}  // namespace

std::unique_ptr<Step> create_batch_norm_training(const StepSpec& spec) {
  return std::make_unique<BatchNormTraining>(spec);
}

std::unique_ptr<Step> create_batch_norm_gradient(const StepSpec& spec) {
  return std::make_unique<BatchNormGradient>(spec);
}

}  // namespace octavo
