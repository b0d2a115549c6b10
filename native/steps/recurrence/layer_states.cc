#include "steps/recurrence/layer_states.h"

#include <algorithm>
#include <limits>

#include "kernels/recurrence/byte_rows.h"
#include "observe/min_max.h"

namespace octavo {

namespace {
int64_t padded(int64_t states) { return kernels::panel_blocks(states) * kernels::kPanelColumns; }
}  // namespace

LayerStates::LayerStates(const StepSpec& spec, const RecurrentProblem& problem, int64_t threads,
                         int64_t row_bytes, ScratchLayout& scratch)
    : p_(problem), step_(padded(p_.projected)), cell_step_(padded(p_.width)), row_bytes_(row_bytes) {
  for (int i = 0; p_.state >= 0 && i < (p_.is_lstm() ? 2 : 1); i++)
    given_.emplace_back(spec, static_cast<size_t>(p_.state + i), "a first state");
  const auto floats = [&](int64_t step) {
    return scratch.reserve(static_cast<size_t>(p_.batch * step) * sizeof(float));
  };
  for (size_t& at : states_at_) at = floats(step_);
  cells_at_ = floats(cell_step_);
  pointers_at_ = scratch.reserve(static_cast<size_t>(threads * p_.batch) * sizeof(void*));
  if (row_bytes_ > 0) bytes_at_ = scratch.reserve(static_cast<size_t>(threads * p_.batch * row_bytes_));
}

void LayerStates::prepare(const Buffers& buffers) {
  const auto at = [&](size_t offset) { return ScratchLayout::at(buffers.scratchpad, offset); };
  for (int i = 0; i < 2; i++) states_[i] = static_cast<float*>(at(states_at_[i]));
  cells_ = static_cast<float*>(at(cells_at_));
  pointers_ = static_cast<const void**>(at(pointers_at_));
  bytes_ = static_cast<uint8_t*>(at(bytes_at_));
  start(buffers, 0, states_[0], p_.projected, step_);
  if (p_.is_lstm()) start(buffers, 1, cells_, p_.width, cell_step_);
}

void LayerStates::start(const Buffers& buffers, size_t which, float* rows, int64_t width,
                        int64_t step) const {
  std::fill_n(rows, p_.batch * step, 0.0f);
  if (given_.empty()) return;
  const auto* given = static_cast<const float*>(given_[which].data(buffers));
  for (int64_t n = 0; n < p_.batch; n++) std::copy_n(given + n * width, width, rows + n * step);
}

const void* const* LayerStates::rows(const StateRows& of, const float* first, int64_t step) const {
  const void** pointers = pointers_ + of.thread * p_.batch;
  for (int64_t n = 0; n < p_.batch; n++) pointers[n] = first + n * step;
  return pointers;
}

const void* const* LayerStates::rows(StateRows& of, int64_t i) const {
  if (row_bytes_ == 0) return rows(of, at(i), step_);
  const void** pointers = pointers_ + of.thread * p_.batch;
  if (of.step == i) return pointers;
  of.step = i;
  float low, high;
  const bool has_nan = observe::min_max({at(i), 1, 1, static_cast<size_t>(p_.batch * step_)}, &low, &high);
  // What is computed with it is NaN, too.
  of.scale = kernels::byte_scale(has_nan ? std::numeric_limits<float>::quiet_NaN() : low, high);
  for (int64_t n = 0; n < p_.batch; n++) {
    uint8_t* row = bytes_ + (of.thread * p_.batch + n) * row_bytes_;
    kernels::to_bytes(at(i) + n * step_, p_.projected, of.scale, row);
    pointers[n] = row;
  }
  return pointers;
}

void LayerStates::store(const Buffers& buffers, int64_t i, int64_t n, int64_t first, int64_t count,
                        bool has_ended) const {
  if (count <= 0) return;
  const int64_t from = n * step_ + first;
  float* result = static_cast<float*>(buffers.outputs[0]) + p_.row(p_.step_at(i), n) * p_.projected + first;
  if (has_ended) {
    std::copy_n(at(i) + from, count, at(i + 1) + from);
    std::fill_n(result, count, 0.0f);
  } else {
    std::copy_n(at(i + 1) + from, count, result);
  }
}

void LayerStates::finish(const Buffers& buffers) const {
  const auto copy = [&](size_t output, const float* rows, int64_t width, int64_t step) {
    for (int64_t n = 0; n < p_.batch; n++)
      std::copy_n(rows + n * step, width, static_cast<float*>(buffers.outputs[output]) + n * width);
  };
  copy(1, at(p_.steps), p_.projected, step_);
  if (p_.is_lstm()) copy(2, cells_, p_.width, cell_step_);
}

}  // namespace octavo
