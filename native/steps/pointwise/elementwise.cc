// A function of one to three operands that broadcast, computed in any element type.
#include <algorithm>
#include <atomic>
#include <stdexcept>

#include "contract/table.h"
#include "kernels/elements/element_function.h"
#include "steps/pointwise/typed_operands.h"

namespace octavo {

namespace {
constexpr size_t kMostOperands = 3;
constexpr const char* kOperandNames[kMostOperands] = {"a", "b", "c"};

// Whether one of n integers is 0.
template <typename T>
bool any_zero(const void* values, int64_t n) {
  const auto* typed = static_cast<const T*>(values);
  return std::find(typed, typed + n, T{0}) != typed + n;
}

bool any_zero(DType dtype, const void* values, int64_t n) {
  switch (dtype_size(dtype)) {
    case 1:
      return any_zero<int8_t>(values, n);
    case 2:
      return any_zero<int16_t>(values, n);
    case 4:
      return any_zero<int32_t>(values, n);
    default:
      return any_zero<int64_t>(values, n);
  }
}

class Elementwise : public Step {
 public:
  explicit Elementwise(const StepSpec& spec)
      : function_(kernels::element_function(spec.attributes.text("algorithm"))),
        dtype_(dtype_from_name(spec.attributes.text("dtype"))),
        row_(row_for(function_, dtype_)),
        parameters_{spec.attributes.number("alpha", 0), spec.attributes.number("beta", 0),
                    spec.attributes.number("gamma", 0)},
        operands_(read_operands(spec, function_, dtype_)),
        loop_({spec.outputs.at(0), function_.is_predicate ? DType::boolean : dtype_}, operands_.tensors()),
        checks_divisor_(function_.divides && !is_floating_point(dtype_)),
        node_(spec.node) {}

  void execute(const Buffers& buffers) override {
    const void* inputs[kMostOperands];
    operands_.bind(buffers, inputs);
    // An exception must not leave the threads' loop.
    std::atomic<bool> divides_by_zero{false};
    loop_.execute(buffers.outputs[0], inputs, [&](const void* const* tensors, void* out, int64_t n) {
      const void* operands[kMostOperands];
      operands_.complete(tensors, operands);
      if (checks_divisor_ && any_zero(dtype_, operands[1], n)) divides_by_zero = true;
      row_(operands, out, n, parameters_);
    });
    if (divides_by_zero) throw std::domain_error("elementwise '" + node_ + "': an integer is divided by 0");
  }

  std::string implementation() const override {
    return std::string("octavo:") + function_.name + ":" + dtype_name(dtype_);
  }

 private:
  static kernels::ElementLoop row_for(const kernels::ElementFunction& function, DType dtype) {
    const auto row = function.loops[static_cast<size_t>(dtype)];
    if (!row)
      throw std::invalid_argument(std::string("'") + function.name + "' is not computed in " +
                                  dtype_name(dtype));
    return row;
  }

  static TypedOperands read_operands(const StepSpec& spec, const kernels::ElementFunction& function,
                                     DType dtype) {
    TypedOperands operands;
    for (size_t i = 0; i < function.operands; i++) operands.add(spec, kOperandNames[i], dtype);
    return operands;
  }

  const kernels::ElementFunction& function_;
  DType dtype_;
  kernels::ElementLoop row_;
  kernels::Parameters parameters_;
  TypedOperands operands_;
  TypedLoop loop_;
  bool checks_divisor_;
  std::string node_;
};
}  // namespace

std::unique_ptr<Step> create_elementwise(const StepSpec& spec) { return std::make_unique<Elementwise>(spec); }

}  // namespace octavo
