// The operands of a typed step: tensors, or numbers that the step knows when it is made.
#pragma once

#include <vector>

#include "contract/input_value.h"
#include "rows/typed_loop.h"

namespace octavo {

class TypedOperands {
 public:
  // Adds the operand `name` of the step, to be read as `as`: the number in the attribute of that name, or the
  // next of the step's inputs. Throws std::invalid_argument where there is neither.
  void add(const StepSpec& spec, const char* name, DType as);

  // The operands that are tensors.
  std::vector<TypedOperand> tensors() const;
  // Their elements, in that order. `inputs` has room for as many.
  void bind(const Buffers& buffers, const void** inputs) const;
  // All operands of one run, given those that are tensors.
  void complete(const void* const* tensors, const void** all) const;

 private:
  struct Operand {
    DType as;
    std::vector<char> number;  // repeated for a whole run; empty for a tensor
  };
  std::vector<Operand> operands_;
  std::vector<InputValue> inputs_;
};

}  // namespace octavo
