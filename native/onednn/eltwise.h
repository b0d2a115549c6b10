// oneDNN's eltwise primitive.
#pragma once

#include <string>

#include "onednn/primitive.h"

namespace octavo::onednn {

struct EltwiseProblem {
  TensorDesc src;
  TensorDesc dst;
  std::string algorithm;  // a name of eltwise_algorithm()
  float alpha;
  float beta;
};

// The algorithm for a name: relu, tanh, gelu_erf, … Throws std::invalid_argument for an unknown one.
dnnl::algorithm eltwise_algorithm(const std::string& name);

Primitive make_eltwise(const EltwiseProblem& problem);

}  // namespace octavo::onednn
