// Fills a tensor with one value: a number, or the element of a tensor that broadcasts.
#include <cstring>

#include "contract/table.h"
#include "steps/pointwise/typed_operands.h"

namespace octavo {

namespace {
class Fill : public Step {
 public:
  explicit Fill(const StepSpec& spec)
      : element_bytes_(dtype_size(spec.outputs.at(0).dtype)),
        value_(read_value(spec)),
        loop_({spec.outputs[0], spec.outputs[0].dtype}, value_.tensors()) {}

  void execute(const Buffers& buffers) override {
    const void* inputs[1];
    value_.bind(buffers, inputs);
    loop_.execute(buffers.outputs[0], inputs, [&](const void* const* tensors, void* out, int64_t n) {
      const void* values[1];
      value_.complete(tensors, values);
      std::memmove(out, values[0], static_cast<size_t>(n) * element_bytes_);
    });
  }
  std::string implementation() const override { return "octavo:fill"; }

 private:
  static TypedOperands read_value(const StepSpec& spec) {
    TypedOperands value;
    value.add(spec, "value", spec.outputs[0].dtype);
    return value;
  }

  size_t element_bytes_;
  TypedOperands value_;
  TypedLoop loop_;
};
}  // namespace

std::unique_ptr<Step> create_fill(const StepSpec& spec) { return std::make_unique<Fill>(spec); }

}  // namespace octavo
