// oneDNN's eltwise primitive.
#pragma once

#include <optional>
#include <string>

#include "onednn/primitive.h"

namespace octavo::onednn {

// A contiguous run of values, computed in place or into another run.
struct EltwiseProblem {
  DType dtype;
  int64_t numel;
  std::string algorithm;  // a name of eltwise_algorithm()
  float alpha;
  float beta;
};

// The algorithm of a name: tanh, gelu_erf, … Empty for an unknown name.
std::optional<dnnl::algorithm> eltwise_algorithm(const std::string& name);

// Empty if this CPU has no fast kernel for the dtype.
std::optional<Primitive> make_eltwise(const EltwiseProblem& problem);

}  // namespace octavo::onednn
