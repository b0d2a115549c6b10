#include "steps/recurrence/gate_biases.h"

#include <algorithm>

namespace octavo {

GateBiases::GateBiases(const StepSpec& spec, const RecurrentProblem& problem, ScratchLayout& scratch)
    : gates_{problem.gates(), problem.width, 1}, is_apart_(problem.cell == RecurrentCell::gru) {
  for (int i = 0; problem.bias >= 0 && i < 2; i++)
    given_.emplace_back(spec, static_cast<size_t>(problem.bias + i), "a bias");
  const auto bytes = static_cast<size_t>(gates_.columns()) * sizeof(float);
  sums_at_ = scratch.reserve(bytes);
  both_at_ = scratch.reserve(bytes);
  hidden_at_ = scratch.reserve(bytes);
}

void GateBiases::prepare(const Buffers& buffers) {
  const auto at = [&](size_t offset) {
    return static_cast<float*>(ScratchLayout::at(buffers.scratchpad, offset));
  };
  float *both = at(both_at_), *hidden = at(hidden_at_);
  both_ = both;
  hidden_ = hidden;
  if (given_.empty()) {
    std::fill_n(both, gates_.columns(), 0.0f);
    std::fill_n(hidden, gates_.columns(), 0.0f);
    return;
  }
  const auto* first = static_cast<const float*>(given_[0].data(buffers));
  const auto* second = static_cast<const float*>(given_[1].data(buffers));
  const int64_t all = gates_.gates * gates_.states, apart = is_apart_ ? gates_.states : 0;
  float* sums = at(sums_at_);
  for (int64_t i = 0; i < all; i++) sums[i] = i < all - apart ? first[i] + second[i] : first[i];
  kernels::pack_columns(gates_, sums, both);
  kernels::pack_columns(gates_, second, hidden);
}

}  // namespace octavo
