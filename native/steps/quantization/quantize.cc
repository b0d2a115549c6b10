// Quantize, dequantize, requantize: PyTorch's quantized_decomposed operators, bit for bit, in one pass that
// may change the layout at the same time.
#include <cmath>
#include <stdexcept>

#include "contract/input_value.h"
#include "contract/parameters.h"
#include "contract/table.h"
#include "rows/strided.h"

namespace octavo {

using kernels::Affine;
using kernels::QuantRange;
using kernels::RowConversion;

namespace {
bool is_quantized(DType dtype) { return dtype != DType::f32 && dtype != DType::bf16; }

// How both directions read their parameters. Of source and target one is floating point.
struct Direction {
  DType from, to;
  QuantRange range;

  Direction(const StepSpec& spec, bool quantizes)
      : from(spec.input(0, "the tensor").desc.dtype), to(spec.outputs.at(0).dtype), range{0, 0} {
    const DType stored = quantizes ? to : from, real = quantizes ? from : to;
    if (is_quantized(real))
      throw std::invalid_argument(std::string("float32 or bfloat16 expected, got ") + dtype_name(real));
    range = range_attributes(spec.attributes, stored);
  }

  RowConversion conversion(Affine affine) const {
    return is_quantized(to) ? RowConversion::affine(from, {}, to, affine, range)
                            : RowConversion::affine(from, affine, to, {}, range);
  }
};

// Parameters are attributes, the same for all elements.
class Fixed : public Step {
 public:
  Fixed(const StepSpec& spec, RowConversion row)
      : x_(spec, 0, "the tensor"), conversion_(x_.desc(), spec.outputs.at(0), row) {}
  void execute(const Buffers& buffers) override { conversion_.execute(x_.data(buffers), buffers.outputs[0]); }
  std::string implementation() const override { return "octavo:convert"; }

 private:
  InputValue x_;
  StridedConversion conversion_;
};

// Parameters are one-element tensors, known at run time: dynamic quantization.
class Dynamic : public Step {
 public:
  Dynamic(const StepSpec& spec, bool quantizes)
      : x_(spec, 0, "the tensor"),
        scale_(spec, 1, "scale"),
        zero_point_(spec, 2, "zero point"),
        direction_(spec, quantizes),
        conversion_(x_.desc(), spec.outputs.at(0), direction_.conversion({})) {
    check_parameters(scale_.desc(), 1, "scale");
    check_parameters(zero_point_.desc(), 1, "zero point");
  }
  void execute(const Buffers& buffers) override {
    const Affine affine{parameter_at(scale_.desc(), scale_.data(buffers), 0),
                        parameter_at(zero_point_.desc(), zero_point_.data(buffers), 0)};
    conversion_.execute(x_.data(buffers), buffers.outputs[0], direction_.conversion(affine));
  }
  std::string implementation() const override { return "octavo:convert"; }

 private:
  InputValue x_, scale_, zero_point_;
  Direction direction_;
  StridedConversion conversion_;
};

// One scale (and zero point) for each slice along an axis.
class PerChannel : public Step {
 public:
  PerChannel(const StepSpec& spec, bool quantizes)
      : x_(spec, 0, "the tensor"),
        scales_(spec, 1, "scales"),
        direction_(spec, quantizes),
        slice_(x_.desc()),
        out_slice_(spec.outputs.at(0)) {
    if (spec.inputs.size() > 2) zero_points_ = std::make_unique<InputValue>(spec, 2, "zero points");
    const int64_t axis = spec.attributes.integer("axis");
    if (axis < 0 || axis >= static_cast<int64_t>(slice_.shape.size()) || slice_.shape != out_slice_.shape)
      throw std::invalid_argument("axis " + std::to_string(axis) + " is out of range");
    channels_ = slice_.shape[axis];
    src_step_ = slice_.strides[axis] * static_cast<int64_t>(dtype_size(slice_.dtype));
    dst_step_ = out_slice_.strides[axis] * static_cast<int64_t>(dtype_size(out_slice_.dtype));
    slice_.shape[axis] = out_slice_.shape[axis] = 1;
    check_parameters(scales_.desc(), channels_, "scales");
    if (zero_points_) check_parameters(zero_points_->desc(), channels_, "zero points");
    conversion_ = std::make_unique<StridedConversion>(slice_, out_slice_, direction_.conversion({}));
  }

  void execute(const Buffers& buffers) override {
    const void* scales = scales_.data(buffers);
    const void* zero_points = zero_points_ ? zero_points_->data(buffers) : nullptr;
    const char* src = static_cast<const char*>(x_.data(buffers));
    char* dst = static_cast<char*>(buffers.outputs[0]);
    for (int64_t i = 0; i < channels_; i++) {
      const double zp = zero_points ? parameter_at(zero_points_->desc(), zero_points, i) : 0;
      conversion_->execute(src + i * src_step_, dst + i * dst_step_,
                           direction_.conversion({parameter_at(scales_.desc(), scales, i), zp}));
    }
  }
  std::string implementation() const override { return "octavo:convert"; }

 private:
  InputValue x_, scales_;
  std::unique_ptr<InputValue> zero_points_;
  Direction direction_;
  TensorDesc slice_, out_slice_;
  std::unique_ptr<StridedConversion> conversion_;
  int64_t channels_, src_step_, dst_step_;
};

std::unique_ptr<Step> create(const StepSpec& spec, bool quantizes) {
  if (spec.inputs.size() > 1) return std::make_unique<Dynamic>(spec, quantizes);
  const Direction direction(spec, quantizes);
  return std::make_unique<Fixed>(
      spec, direction.conversion(affine_attributes(spec.attributes, "scale", "zeroPoint")));
}
}  // namespace

std::unique_ptr<Step> create_quantize(const StepSpec& spec) { return create(spec, true); }
std::unique_ptr<Step> create_dequantize(const StepSpec& spec) { return create(spec, false); }

std::unique_ptr<Step> create_quantize_per_channel(const StepSpec& spec) {
  return std::make_unique<PerChannel>(spec, true);
}
std::unique_ptr<Step> create_dequantize_per_channel(const StepSpec& spec) {
  return std::make_unique<PerChannel>(spec, false);
}

std::unique_ptr<Step> create_requantize(const StepSpec& spec) {
  const DType from = spec.input(0, "the tensor").desc.dtype, to = spec.outputs.at(0).dtype;
  if (!is_quantized(from) || !is_quantized(to))
    throw std::invalid_argument("requantization is between integers; use quantize or dequantize");
  return std::make_unique<Fixed>(
      spec, RowConversion::affine(from, affine_attributes(spec.attributes, "xScale", "xZeroPoint"), to,
                                  affine_attributes(spec.attributes, "outputScale", "outputZeroPoint"),
                                  range_attributes(spec.attributes, to)));
}

}  // namespace octavo
