// The states of a recurrent layer: those before and after a step in two buffers that take turns, and the cell
// states of an LSTM.
#pragma once

#include "contract/input_value.h"
#include "contract/scratch.h"
#include "kernels/recurrence/panels.h"
#include "steps/recurrence/recurrent_problem.h"

namespace octavo {

// Rows of states that one thread multiplies with weights: as they are, or the bytes that it made of them.
struct StateRows {
  int64_t thread;
  int64_t step = -1;  // of the bytes
  kernels::ByteScale scale{1, 0};
};

class LayerStates {
 public:
  // `row_bytes`: of a row of bytes, 0 where rows stay float32.
  LayerStates(const StepSpec& spec, const RecurrentProblem& problem, int64_t threads, int64_t row_bytes,
              ScratchLayout& scratch);

  // Once a run, by one thread: the first states.
  void prepare(const Buffers& buffers);

  // Elements from a row of states to the next, and from one of cell states; both in whole blocks.
  int64_t step() const { return step_; }
  int64_t cell_step() const { return cell_step_; }
  // Those before the step that is computed as number `i`, and after the one before it.
  float* at(int64_t i) const { return states_[i % 2]; }
  float* cells() const { return cells_; }

  // Pointers to rows of float32 that are `step` elements apart.
  const void* const* rows(const StateRows& of, const float* first, int64_t step) const;
  // Pointers to the states before step number `i`. Each thread quantizes all of them for itself: that takes
  // less time than to wait for others.
  const void* const* rows(StateRows& of, int64_t i) const;

  // Writes `count` states from `first` on, after step number `i` of sequence `n`, to the results. A sequence
  // that has ended keeps its state, and its results are 0.
  void store(const Buffers& buffers, int64_t i, int64_t n, int64_t first, int64_t count,
             bool has_ended) const;
  // The last states.
  void finish(const Buffers& buffers) const;

 private:
  void start(const Buffers& buffers, size_t which, float* rows, int64_t width, int64_t step) const;

  RecurrentProblem p_;
  int64_t step_, cell_step_, row_bytes_;
  std::vector<InputValue> given_;
  size_t states_at_[2], cells_at_, pointers_at_, bytes_at_ = 0;
  // Of the run in progress.
  float *states_[2] = {}, *cells_ = nullptr;
  const void** pointers_ = nullptr;
  uint8_t* bytes_ = nullptr;
};

}  // namespace octavo
