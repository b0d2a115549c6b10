// The list of primitive families, by the name JavaScript uses.
#pragma once

#include <memory>
#include <vector>

#include "primitives/step.h"

namespace octavo {

struct PrimitiveFamily {
  const char* op;
  std::unique_ptr<Step> (*create)(const StepSpec& spec);
};

const std::vector<PrimitiveFamily>& primitive_table();

// One per file of this folder.
std::unique_ptr<Step> create_convolution(const StepSpec& spec);
std::unique_ptr<Step> create_eltwise(const StepSpec& spec);
std::unique_ptr<Step> create_linear(const StepSpec& spec);
std::unique_ptr<Step> create_matmul(const StepSpec& spec);

}  // namespace octavo
