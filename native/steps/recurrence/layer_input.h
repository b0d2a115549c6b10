// The tensor that a recurrent layer runs over, as rows for products with its weight: as they are, or as bytes
// that one scale quantizes.
#pragma once

#include "contract/input_value.h"
#include "contract/scratch.h"
#include "kernels/recurrence/panels.h"
#include "steps/recurrence/recurrent_problem.h"

namespace octavo {

class LayerInput {
 public:
  // `row_bytes`: of a row of bytes, 0 where rows stay float32.
  LayerInput(const StepSpec& spec, const RecurrentProblem& problem, int64_t row_bytes,
             ScratchLayout& scratch);

  // Once a run, by one thread. Throws std::domain_error, naming the node, for what has no range.
  void prepare(const Buffers& buffers);
  // The rows of one step after the other, in the order in which they are computed, all sequences of each.
  const void* const* rows() const { return rows_; }
  // Of rows of bytes.
  const kernels::ByteScale& scale() const { return scale_; }

 private:
  RecurrentProblem p_;
  std::string name_;
  InputValue x_;
  int64_t row_bytes_;
  size_t rows_at_, bytes_at_ = 0;
  const void** rows_ = nullptr;
  kernels::ByteScale scale_{1, 0};
};

}  // namespace octavo
