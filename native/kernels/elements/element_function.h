// Functions of one to three elements, for every element type, as loops over contiguous values.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tensor/tensor_desc.h"

namespace octavo::kernels {

// The numbers that a function has besides its operands: a slope, a threshold.
struct Parameters {
  double alpha = 0, beta = 0, gamma = 0;
};

// out[i] = f(inputs[0][i], inputs[1][i], ...) for values of one type. `out` may be one of the inputs.
using ElementLoop = void (*)(const void* const* inputs, void* out, int64_t n, const Parameters& parameters);

struct ElementFunction {
  const char* name;
  size_t operands;
  // Whether the result is a bool; otherwise it has the operands' type.
  bool is_predicate;
  // By DType; null for the types that the function is not defined on. 16-bit floats have no loops: they are
  // computed as float32.
  std::array<ElementLoop, kDTypeCount> loops;
  // Whether integers cannot be divided by an operand `b` of 0.
  bool divides;
};

// Throws std::invalid_argument for a name that is not in the table.
const ElementFunction& element_function(const std::string& name);

// The parts of the table, each in the file of its family.
std::vector<ElementFunction> arithmetic_functions();
std::vector<ElementFunction> division_functions();
std::vector<ElementFunction> comparison_functions();
std::vector<ElementFunction> rounding_functions();
std::vector<ElementFunction> exponential_functions();
std::vector<ElementFunction> trigonometric_functions();
std::vector<ElementFunction> activation_functions();

}  // namespace octavo::kernels
