// Arithmetic of two tensors that broadcast, then an optional pointwise function; any of the three may be
// quantized, with its own scale and zero point.
#include <limits>
#include <stdexcept>

#include "kernels/arithmetic.h"
#include "primitives/input_value.h"
#include "primitives/pointwise.h"
#include "primitives/table.h"

namespace octavo {

namespace {
kernels::BinaryRow algorithm_from_name(const std::string& name) {
  if (name == "add") return kernels::add_rows;
  if (name == "sub") return kernels::subtract_rows;
  if (name == "mul") return kernels::multiply_rows;
  if (name == "div") return kernels::divide_rows;
  if (name == "max") return kernels::maximum_rows;
  if (name == "min") return kernels::minimum_rows;
  throw std::invalid_argument("unknown binary algorithm '" + name + "'");
}

PointwiseOperand operand(const TensorDesc& desc, const Attributes& attributes, const std::string& prefix) {
  const kernels::Affine affine{attributes.number(prefix + "Scale", 1),
                               attributes.integer(prefix + "ZeroPoint", 0)};
  if (!(affine.scale > 0)) throw std::invalid_argument("attribute '" + prefix + "Scale' must be positive");
  return {desc, affine};
}

class Binary : public Step {
 public:
  explicit Binary(const StepSpec& spec)
      : a_(spec, 0, "the left operand"),
        b_(spec, 1, "the right operand"),
        algorithm_(algorithm_from_name(spec.attributes.text("algorithm"))),
        name_("octavo:" + spec.attributes.text("algorithm")),
        alpha_(static_cast<float>(spec.attributes.number("alpha", 1))),
        unary_(spec.attributes.text("unary", "none")),
        unary_alpha_(static_cast<float>(spec.attributes.number("unaryAlpha", 0))),
        unary_beta_(static_cast<float>(spec.attributes.number("unaryBeta", 0))),
        loop_(operand(spec.outputs.at(0), spec.attributes, "output"),
              {operand(a_.desc(), spec.attributes, "a"), operand(b_.desc(), spec.attributes, "b")}) {
    if (unary_ != "none" && unary_ != "relu" && unary_ != "hardtanh" && unary_ != "leaky_relu" &&
        unary_ != "hardswish" && unary_ != "hardsigmoid")
      throw std::invalid_argument("unary '" + unary_ + "' cannot follow a binary operation");
  }

  void execute(const Buffers& buffers) override {
    const void* inputs[] = {a_.data(buffers), b_.data(buffers)};
    loop_.execute(buffers.outputs[0], inputs, [this](const float* const* in, float* out, int64_t n) {
      const float* right = in[1];
      alignas(64) float scaled[PointwiseLoop::kChunk];
      if (alpha_ != 1) {
        kernels::linear_row(right, alpha_, 0, scaled, n);
        right = scaled;
      }
      algorithm_(in[0], right, out, n);
      if (unary_ == "none") return;
      if (unary_ == "relu") return kernels::clip_row(out, 0, std::numeric_limits<float>::infinity(), out, n);
      if (unary_ == "hardtanh") return kernels::clip_row(out, unary_alpha_, unary_beta_, out, n);
      if (unary_ == "leaky_relu") return kernels::leaky_relu_row(out, unary_alpha_, out, n);
      if (unary_ == "hardswish") return kernels::hardswish_row(out, out, n);
      kernels::hardsigmoid_row(out, out, n);
    });
  }
  std::string implementation() const override { return name_; }

 private:
  InputValue a_, b_;
  kernels::BinaryRow algorithm_;
  std::string name_;
  float alpha_;
  std::string unary_;
  float unary_alpha_, unary_beta_;
  PointwiseLoop loop_;
};
}  // namespace

std::unique_ptr<Step> create_binary(const StepSpec& spec) { return std::make_unique<Binary>(spec); }

}  // namespace octavo
