#include "steps/pointwise/typed_operands.h"

#include "rows/typed_run.h"

namespace octavo {

void TypedOperands::add(const StepSpec& spec, const char* name, DType as) {
  std::vector<char> number;
  if (spec.attributes.has(name)) {
    const double value = spec.attributes.number(name);
    number.resize(kTypedRunBytes);
    kernels::RowConversion::cast(DType::f64, as)(&value, number.data(), 1);
    repeat_first(number.data(), static_cast<int64_t>(dtype_size(as)), kTypedRun);
  } else {
    inputs_.emplace_back(spec, inputs_.size(), name);
  }
  operands_.push_back({as, std::move(number)});
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
