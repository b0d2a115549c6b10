#include "contract/step.h"

#include <stdexcept>

#include "contract/failure.h"
#include "contract/table.h"

namespace octavo {

const StepInput& StepSpec::input(size_t index, const char* what) const {
  if (index >= inputs.size())
    throw std::invalid_argument(std::string("input ") + std::to_string(index) + " (" + what + ") is missing");
  return inputs[index];
}

void Step::add_rejections(onednn::Rejections before) {
  before.add(rejections_);
  rejections_ = std::move(before);
}

std::string describe(const StepSpec& spec) {
  std::string text = spec.op + " '" + spec.node + "' (";
  for (size_t i = 0; i < spec.inputs.size(); i++) text += (i ? ", " : "") + spec.inputs[i].desc.to_string();
  text += ") -> (";
  for (size_t i = 0; i < spec.outputs.size(); i++) text += (i ? ", " : "") + spec.outputs[i].to_string();
  return text + ")";
}

std::unique_ptr<Step> create_step(const StepSpec& spec) {
  try {
    for (const auto& family : primitive_table())
      if (spec.op == family.op) return family.create(spec);
    throw std::invalid_argument("there is no such native operation");
  } catch (const std::exception& error) {
    throw Failure(cause_of(error), describe(spec) + ": " + error_message(error));
  }
}

}  // namespace octavo
