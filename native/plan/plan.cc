#include "plan/plan.h"

#include <limits>
#include <stdexcept>

namespace octavo {

namespace {
[[noreturn]] void refuse(const std::string& what) { throw std::invalid_argument("plan: " + what); }

// Bytes from the first element to the end of the last one, refusing what would overflow.
size_t checked_span_bytes(const TensorDesc& desc, const std::string& what) {
  // Far beyond any memory, far below where the sums and products here could wrap.
  constexpr double kLimit = 1e15;
  double last = 0, count = 1;
  for (size_t i = 0; i < desc.shape.size(); i++) {
    if (desc.shape[i] < 0) refuse(what + ": negative extent in " + desc.to_string());
    if (desc.strides[i] < 0) refuse(what + ": negative stride in " + desc.to_string());
    count *= static_cast<double>(desc.shape[i]);
    if (desc.shape[i] > 0)
      last += static_cast<double>(desc.shape[i] - 1) * static_cast<double>(desc.strides[i]);
  }
  if (count > kLimit || last > kLimit) refuse(what + ": " + desc.to_string() + " is too large");
  return desc.span_bytes();
}

size_t capacity_of(const Plan& plan, const PlanValue& value, const std::string& what) {
  const auto& storage = value.storage;
  switch (storage.kind) {
    case Storage::Kind::input:
      if (storage.index >= plan.inputs.size())
        refuse(what + ": there is no input " + std::to_string(storage.index));
      return plan.inputs[storage.index].span_bytes();
    case Storage::Kind::output:
      if (storage.index >= plan.outputs.size())
        refuse(what + ": there is no output " + std::to_string(storage.index));
      return plan.outputs[storage.index].span_bytes();
    case Storage::Kind::arena:
      return plan.arena_bytes;
    case Storage::Kind::constant:
      if (!value.constant) refuse(what + ": the constant is missing");
      return value.constant->desc().span_bytes();
  }
  refuse(what + ": unknown storage");
}

void check_value(const Plan& plan, const PlanValue& value, const std::string& what) {
  const size_t span = checked_span_bytes(value.desc, what), capacity = capacity_of(plan, value, what);
  const size_t offset = value.storage.offset;
  if (offset % dtype_size(value.desc.dtype) != 0)
    refuse(what + ": offset " + std::to_string(offset) + " is not a multiple of the element size");
  if (offset > capacity || span > capacity - offset)
    refuse(what + ": " + value.desc.to_string() + " at byte " + std::to_string(offset) + " takes " +
           std::to_string(span) + " bytes, but its storage has " + std::to_string(capacity));
  if (value.constant && offset != 0) refuse(what + ": a constant starts at its first byte");
}

// Steps write each element once: extents may not share memory.
void check_written(const PlanValue& value, const std::string& what) {
  if (value.storage.kind == Storage::Kind::input || value.storage.kind == Storage::Kind::constant)
    refuse(what + " writes to " +
           (value.constant ? std::string("a constant") : std::string("an input of the plan")));
  for (size_t i = 0; i < value.desc.shape.size(); i++)
    if (value.desc.shape[i] > 1 && value.desc.strides[i] == 0)
      refuse(what + " writes to " + value.desc.to_string() + " with a zero stride");
}
}  // namespace

void Plan::finish() {
  if (lanes > 1 && threads > 1) refuse("either its threads or its lanes can be more than 1");
  for (size_t i = 0; i < inputs.size(); i++) checked_span_bytes(inputs[i], "input " + std::to_string(i));
  for (size_t i = 0; i < outputs.size(); i++) checked_span_bytes(outputs[i], "output " + std::to_string(i));
  for (size_t i = 0; i < values.size(); i++) check_value(*this, values[i], "value " + std::to_string(i));
  for (auto& step : steps) {
    const std::string what = step.spec.op + " '" + step.spec.node + "'";
    const auto value_at = [&](size_t index) -> const PlanValue& {
      if (index >= values.size()) refuse(what + ": there is no value " + std::to_string(index));
      return values[index];
    };
    for (size_t index : step.inputs) {
      const auto& value = value_at(index);
      step.spec.inputs.push_back({value.desc, value.constant});
    }
    for (size_t index : step.outputs) {
      const auto& value = value_at(index);
      check_written(value, what);
      step.spec.outputs.push_back(value.desc);
    }
  }
}

}  // namespace octavo
