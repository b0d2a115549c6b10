// The biases of a recurrent layer in the order of its packed gates.
#pragma once

#include "contract/input_value.h"
#include "contract/scratch.h"
#include "kernels/recurrence/panels.h"
#include "steps/recurrence/recurrent_problem.h"

namespace octavo {

class GateBiases {
 public:
  GateBiases(const StepSpec& spec, const RecurrentProblem& problem, ScratchLayout& scratch);

  // Once a run, before the rest.
  void prepare(const Buffers& buffers);
  // Of both products; of a GRU's new gate, that over the input alone. Zeros where the layer has none.
  const float* both() const { return both_; }
  // Over the state alone, in the places of a GRU's new gate.
  const float* hidden() const { return hidden_; }

 private:
  kernels::GateRows gates_;
  bool is_apart_;
  std::vector<InputValue> given_;
  size_t sums_at_, both_at_, hidden_at_;
  const float *both_ = nullptr, *hidden_ = nullptr;
};

}  // namespace octavo
