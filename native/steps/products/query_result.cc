#include "steps/products/query_result.h"

#include "kernels/float_rows.h"

namespace octavo {

QueryResult::QueryResult(const AttentionProblem& problem)
    : matrices_(problem.result, problem.scores(), 1),
      dtype_(problem.result.dtype),
      width_(problem.result_width()),
      stored_(problem.quantization ? problem.quantization->result : Parameters{1, 0}) {}

void QueryResult::store(const float* values, void* outputs, int64_t head, int64_t query) const {
  const int64_t right = matrices_.right();
  const auto bytes = static_cast<int64_t>(dtype_size(dtype_));
  char* to = static_cast<char*>(outputs) + matrices_.offset(head, query) * bytes;
  if (right == 1) return store_row(values, to, width_);
  for (int64_t c = 0; c < width_; c++) store_row(values + c, to + c * right * bytes, 1);
}

void QueryResult::store_row(const float* values, char* to, int64_t count) const {
  const auto range = is_byte(dtype_) ? kernels::full_range(dtype_) : kernels::QuantRange{0, 0};
  kernels::store_row(dtype_, values, to, count, 1 / static_cast<float>(stored_.scale),
                     static_cast<float>(stored_.zero_point), range);
}

}  // namespace octavo
