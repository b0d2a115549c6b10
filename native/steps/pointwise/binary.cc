// Arithmetic of two tensors that broadcast, then an optional pointwise function; any of the three may be
// quantized, with its own scale and zero point.
#include <stdexcept>

#include "contract/input_value.h"
#include "contract/table.h"
#include "kernels/arithmetic.h"
#include "rows/pointwise.h"
#include "rows/row_function.h"

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

class Binary : public Step {
 public:
  explicit Binary(const StepSpec& spec)
      : a_(spec, 0, "the left operand"),
        b_(spec, 1, "the right operand"),
        algorithm_(algorithm_from_name(spec.attributes.text("algorithm"))),
        name_("octavo:" + spec.attributes.text("algorithm")),
        alpha_(static_cast<float>(spec.attributes.number("alpha", 1))),
        function_(spec.attributes),
        loop_(pointwise_operand(spec.outputs.at(0), spec.attributes, "output"),
              {pointwise_operand(a_.desc(), spec.attributes, "a"),
               pointwise_operand(b_.desc(), spec.attributes, "b")}) {
    const auto [y, affine] = pointwise_operand(spec.outputs[0], spec.attributes, "output");
    const bool product = algorithm_ == kernels::multiply_rows && alpha_ == 1 && function_.is_none();
    if (!product || !is_byte(y.dtype)) return;
    // Reading an image takes longer than multiplying it: at once, not in two loops over a chunk in the cache.
    const auto to =
        kernels::quantization(static_cast<float>(1 / affine.scale), static_cast<float>(affine.zero_point),
                              kernels::full_range(y.dtype));
    byte_products_ = [to](const float* const* in, void* out, int64_t n) {
      kernels::store_byte_products(in[0], in[1], static_cast<uint8_t*>(out), n, to);
    };
  }

  void execute(const Buffers& buffers) override {
    const void* inputs[] = {a_.data(buffers), b_.data(buffers)};
    loop_.execute(
        buffers.outputs[0], inputs,
        [this](const float* const* in, float* out, int64_t n) {
          const float* right = in[1];
          alignas(64) float scaled[PointwiseLoop::kChunk];
          if (alpha_ != 1) {
            kernels::linear_row(right, alpha_, 0, scaled, n);
            right = scaled;
          }
          algorithm_(in[0], right, out, n);
          function_.apply(out, n);
        },
        byte_products_);
  }
  std::string implementation() const override { return name_; }

 private:
  InputValue a_, b_;
  kernels::BinaryRow algorithm_;
  std::string name_;
  float alpha_;
  RowFunction function_;
  PointwiseLoop loop_;
  PointwiseLoop::StoringBody byte_products_;
};
}  // namespace

std::unique_ptr<Step> create_binary(const StepSpec& spec) { return std::make_unique<Binary>(spec); }

}  // namespace octavo
