// An input of a step, whether its value is known now or only at run time.
#pragma once

#include <memory>

#include "contract/step.h"

namespace octavo {

class InputValue {
 public:
  // Throws std::invalid_argument that says what is missing.
  InputValue(const StepSpec& spec, size_t index, const char* what)
      : index_(index), desc_(spec.input(index, what).desc) {
    if (const auto& constant = spec.inputs[index].constant) constant_ = constant->data();
  }

  const TensorDesc& desc() const { return desc_; }
  bool is_constant() const { return constant_ != nullptr; }
  const void* data(const Buffers& buffers) const {
    return constant_ ? constant_.get() : buffers.inputs[index_];
  }

 private:
  size_t index_;
  TensorDesc desc_;
  std::shared_ptr<const void> constant_;
};

}  // namespace octavo
