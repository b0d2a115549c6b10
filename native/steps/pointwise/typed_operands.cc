#include "steps/pointwise/typed_operands.h"

#include <cmath>
#include <stdexcept>

#include "rows/typed_run.h"

namespace octavo {

namespace {
// The number repeated for a whole run. Integers wrap around as PyTorch's do: -1 is the greatest unsigned one.
std::vector<char> run_of(double value, DType as) {
  std::vector<char> run(kTypedRunBytes);
  if (is_floating_point(as) || as == DType::boolean) {
    kernels::RowConversion::cast(DType::f64, as)(&value, run.data(), 1);
  } else {
    const double bound = std::ldexp(1.0, static_cast<int>(8 * dtype_size(as)));
    if (!(std::fabs(value) < bound) || std::fabs(value) > 0x1p63)
      throw std::invalid_argument("the number " + std::to_string(value) + " does not fit " + dtype_name(as));
    const int64_t whole = value == 0x1p63 ? INT64_MAX : static_cast<int64_t>(value);
    kernels::RowConversion::cast(DType::s64, as)(&whole, run.data(), 1);
  }
  repeat_first(run.data(), static_cast<int64_t>(dtype_size(as)), kTypedRun);
  return run;
}
}  // namespace

void TypedOperands::add(const StepSpec& spec, const char* name, DType as) {
  if (spec.attributes.has(name)) {
    operands_.push_back({as, run_of(spec.attributes.number(name), as)});
  } else {
    inputs_.emplace_back(spec, inputs_.size(), name);
    operands_.push_back({as, {}});
  }
}

std::vector<TypedOperand> TypedOperands::tensors() const {
  std::vector<TypedOperand> tensors;
  for (const auto& operand : operands_)
    if (operand.number.empty()) tensors.push_back({inputs_[tensors.size()].desc(), operand.as});
  return tensors;
}

void TypedOperands::bind(const Buffers& buffers, const void** inputs) const {
  for (size_t i = 0; i < inputs_.size(); i++) inputs[i] = inputs_[i].data(buffers);
}

void TypedOperands::complete(const void* const* tensors, const void** all) const {
  for (size_t i = 0; i < operands_.size(); i++)
    all[i] = operands_[i].number.empty() ? *tensors++ : operands_[i].number.data();
}

}  // namespace octavo
