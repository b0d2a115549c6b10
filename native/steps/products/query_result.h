// What an attention writes for a query.
#pragma once

#include "steps/products/attention_problem.h"
#include "steps/products/head_matrices.h"

namespace octavo {

class QueryResult {
 public:
  explicit QueryResult(const AttentionProblem& problem);

  // Of a query of a head, from its values in float32.
  void store(const float* values, void* outputs, int64_t head, int64_t query) const;

 private:
  void store_row(const float* values, char* to, int64_t count) const;

  HeadMatrices matrices_;
  DType dtype_;
  int64_t width_;
  Parameters stored_;
};

}  // namespace octavo
