// Convolution and linear layer in plain integer arithmetic: the reference that quantized layers are checked
// against. It reads integers and writes 32-bit integers, without scale or rounding. It is written to be
// read, not to be fast.
#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>

#include "contract/input_value.h"
#include "contract/table.h"
#include "kernels/parallel.h"
#include "rows/strided.h"

namespace octavo {

namespace {
using Pair = std::array<int64_t, 2>;

// [n, c, h, w]: axes that a signal or a matrix lacks are 1.
std::array<int64_t, 4> as_image(const Dims& shape, bool is_linear) {
  if (!is_linear) return {shape[0], shape[1], shape.size() > 3 ? shape[2] : 1, shape.back()};
  int64_t rows = 1;
  for (size_t i = 0; i + 1 < shape.size(); i++) rows *= shape[i];
  return {rows, shape.back(), 1, 1};
}

Pair as_pair(const Attributes& attributes, const char* name, int64_t lacking) {
  if (!attributes.has(name)) return {lacking, lacking};
  const Dims list = attributes.dims(name);
  return {list.size() > 1 ? list[0] : lacking, list.back()};
}

// A tensor's elements as row-major int32.
class Integers {
 public:
  explicit Integers(const TensorDesc& desc)
      : conversion_(desc, {DType::s32, desc.shape, row_major_strides(desc.shape)},
                    kernels::RowConversion::cast(desc.dtype, DType::s32)),
        data_(static_cast<size_t>(desc.numel())) {
    if (desc.dtype != DType::s32)
      kernels::full_range(desc.dtype);  // throws for a dtype that is not a quantized one
  }
  const int32_t* read(const void* src) {
    conversion_.execute(src, data_.data());
    return data_.data();
  }

 private:
  StridedConversion conversion_;
  std::vector<int32_t> data_;
};

class IntegerLayer : public Step {
 public:
  IntegerLayer(const StepSpec& spec, bool is_linear)
      : x_(spec, 0, "the input"),
        weight_(spec, 1, "the weight"),
        x_shape_(as_image(x_.desc().shape, is_linear)),
        w_shape_(as_image(weight_.desc().shape, is_linear)),
        y_shape_(as_image(spec.outputs.at(0).shape, is_linear)),
        stride_(as_pair(spec.attributes, "stride", 1)),
        padding_(as_pair(spec.attributes, "padding", 0)),
        dilation_(as_pair(spec.attributes, "dilation", 1)),
        groups_(spec.attributes.integer("groups", 1)),
        zero_point_(spec.attributes.integer("xZeroPoint", 0)),
        x_values_(x_.desc()),
        w_values_(weight_.desc()) {
    if (spec.attributes.boolean("hasRuntimeZeroPoint", false)) {
      runtime_zero_point_ = std::make_unique<InputValue>(spec, 2, "the zero point");
      if (runtime_zero_point_->desc().dtype != DType::s64 || runtime_zero_point_->desc().numel() != 1)
        throw std::invalid_argument("the zero point must be one int64, got " +
                                    runtime_zero_point_->desc().to_string());
    } else if (spec.inputs.size() > 2) {
      bias_ = std::make_unique<InputValue>(spec, 2, "the bias");
      if (bias_->desc().dtype != DType::s32 || bias_->desc().numel() != w_shape_[0] ||
          !bias_->desc().is_contiguous())
        throw std::invalid_argument("the bias must be int32, one for every output channel, got " +
                                    bias_->desc().to_string());
    }
    const TensorDesc& y = spec.outputs[0];
    if (y.dtype != DType::s32 || !y.is_contiguous())
      throw std::invalid_argument("the output must be row-major int32, got " + y.to_string());
    if (w_shape_[1] * groups_ != x_shape_[1] || y_shape_[1] != w_shape_[0] || y_shape_[0] != x_shape_[0])
      throw std::invalid_argument("shapes do not fit");
  }

  void execute(const Buffers& buffers) override {
    const int32_t* x = x_values_.read(x_.data(buffers));
    const int32_t* w = w_values_.read(weight_.data(buffers));
    if (runtime_zero_point_) zero_point_ = *static_cast<const int64_t*>(runtime_zero_point_->data(buffers));
    const auto* bias = bias_ ? static_cast<const int32_t*>(bias_->data(buffers)) : nullptr;
    auto* y = static_cast<int32_t*>(buffers.outputs[0]);
    const auto [n, channels, height, width] = y_shape_;
    const int64_t plane = height * width;
    const int64_t terms = w_shape_[1] * w_shape_[2] * w_shape_[3];
    kernels::parallel_for(n * channels, n * channels * plane * terms, [&](int64_t i) {
      const int64_t channel = i % channels;
      for (int64_t at = 0; at < plane; at++) {
        int64_t sum = bias ? bias[channel] : 0;
        sum += window(x, w, i / channels, channel, at / width, at % width);
        y[i * plane + at] = static_cast<int32_t>(std::clamp<int64_t>(sum, std::numeric_limits<int32_t>::min(),
                                                                     std::numeric_limits<int32_t>::max()));
      }
    });
  }
  std::string implementation() const override { return "octavo:integer"; }

 private:
  // The sum of products at one output element. Padding is the real number 0, so it adds nothing.
  int64_t window(const int32_t* x, const int32_t* w, int64_t image, int64_t channel, int64_t row,
                 int64_t column) const {
    const auto [unused, inner, kernel_h, kernel_w] = w_shape_;
    const int64_t first = channel / (w_shape_[0] / groups_) * inner;
    int64_t sum = 0;
    for (int64_t c = 0; c < inner; c++)
      for (int64_t i = 0; i < kernel_h; i++)
        for (int64_t j = 0; j < kernel_w; j++) {
          const int64_t h = row * stride_[0] - padding_[0] + i * dilation_[0];
          const int64_t v = column * stride_[1] - padding_[1] + j * dilation_[1];
          if (h < 0 || h >= x_shape_[2] || v < 0 || v >= x_shape_[3]) continue;
          const int64_t value = x[((image * x_shape_[1] + first + c) * x_shape_[2] + h) * x_shape_[3] + v];
          sum += (value - zero_point_) * w[((channel * inner + c) * kernel_h + i) * kernel_w + j];
        }
    return sum;
  }

  InputValue x_, weight_;
  std::unique_ptr<InputValue> bias_, runtime_zero_point_;
  std::array<int64_t, 4> x_shape_, w_shape_, y_shape_;
  Pair stride_, padding_, dilation_;
  int64_t groups_, zero_point_;
  Integers x_values_, w_values_;
};
}  // namespace

std::unique_ptr<Step> create_integer_convolution(const StepSpec& spec) {
  return std::make_unique<IntegerLayer>(spec, false);
}
std::unique_ptr<Step> create_integer_linear(const StepSpec& spec) {
  if (!spec.attributes.boolean("transposedWeight", false)) return std::make_unique<IntegerLayer>(spec, true);
  StepSpec transposed = spec;  // stored as [in, out]
  auto& weight = transposed.inputs.at(1).desc;
  std::reverse(weight.shape.begin(), weight.shape.end());
  std::reverse(weight.strides.begin(), weight.strides.end());
  return std::make_unique<IntegerLayer>(transposed, true);
}

}  // namespace octavo
