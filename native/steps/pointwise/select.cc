// Chooses each element from one of two operands, by a condition; all three broadcast.
#include "kernels/elements/select.h"

#include <stdexcept>

#include "contract/table.h"
#include "steps/pointwise/typed_operands.h"

namespace octavo {

namespace {
class Select : public Step {
 public:
  explicit Select(const StepSpec& spec)
      : dtype_(spec.outputs.at(0).dtype),
        operands_(read_operands(spec, dtype_)),
        loop_({spec.outputs[0], dtype_}, operands_.tensors()) {}

  void execute(const Buffers& buffers) override {
    const void* inputs[3];
    operands_.bind(buffers, inputs);
    const auto element_bytes = static_cast<int64_t>(dtype_size(dtype_));
    loop_.execute(buffers.outputs[0], inputs, [&](const void* const* tensors, void* out, int64_t n) {
      const void* operands[3];
      operands_.complete(tensors, operands);
      kernels::select_row(element_bytes, static_cast<const uint8_t*>(operands[0]), operands[1], operands[2],
                          out, n);
    });
  }
  std::string implementation() const override { return "octavo:select"; }

 private:
  static TypedOperands read_operands(const StepSpec& spec, DType dtype) {
    const auto& condition = spec.input(0, "condition").desc;
    if (condition.dtype != DType::boolean)
      throw std::invalid_argument("the condition must be bool, got " + condition.to_string());
    TypedOperands operands;
    operands.add(spec, "condition", DType::boolean);
    operands.add(spec, "a", dtype);
    operands.add(spec, "b", dtype);
    return operands;
  }

  DType dtype_;
  TypedOperands operands_;
  TypedLoop loop_;
};
}  // namespace

std::unique_ptr<Step> create_select(const StepSpec& spec) { return std::make_unique<Select>(spec); }

}  // namespace octavo
