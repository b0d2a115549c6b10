// Scale and zero point of an integer tensor, given as inputs of a step: read and checked at every run.
#pragma once

#include <string>

#include "contract/input_value.h"

namespace octavo {

class RunTimeScale {
 public:
  struct Value {
    float scale;
    int32_t zero_point;
  };

  // Inputs `scale` and `zero_point` are tensors of one element that quantize input 0. Throws
  // std::invalid_argument.
  RunTimeScale(const StepSpec& spec, int scale, int zero_point);

  // Throws std::domain_error, naming the node, when the values are no parameters of the tensor's dtype.
  Value read(const Buffers& buffers) const;

 private:
  std::string step_;
  DType dtype_;
  InputValue scale_, zero_point_;
};

}  // namespace octavo
