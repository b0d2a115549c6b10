// The mask that is added to an attention's scores.
#pragma once

#include <optional>

#include "contract/input_value.h"
#include "steps/products/attention_problem.h"
#include "steps/products/head_matrices.h"

namespace octavo {

class ScoreMask {
 public:
  // Nothing if there is none.
  static std::optional<ScoreMask> of(const StepSpec& spec, const AttentionProblem& problem);

  // Adds its first `count` elements for a query to the scores; of booleans, -infinity where it is false.
  void add(const Buffers& buffers, int64_t head, int64_t query, float* scores, int64_t count) const;

 private:
  ScoreMask(const StepSpec& spec, const AttentionProblem& problem);

  InputValue mask_;
  HeadMatrices at_;
};

}  // namespace octavo
