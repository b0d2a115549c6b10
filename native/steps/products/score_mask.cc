#include "steps/products/score_mask.h"

#include <limits>

#include "kernels/arithmetic.h"
#include "kernels/half_float.h"

namespace octavo {

ScoreMask::ScoreMask(const StepSpec& spec, const AttentionProblem& problem)
    : mask_(spec, 3, "the mask"), at_(*problem.mask, problem.scores(), 1) {}

std::optional<ScoreMask> ScoreMask::of(const StepSpec& spec, const AttentionProblem& problem) {
  if (!problem.mask) return std::nullopt;
  return ScoreMask(spec, problem);
}

void ScoreMask::add(const Buffers& buffers, int64_t head, int64_t query, float* scores, int64_t count) const {
  const int64_t first = at_.offset(head, query), step = at_.right();
  const void* data = mask_.data(buffers);
  switch (mask_.desc().dtype) {
    case DType::boolean: {
      const auto* attends = static_cast<const uint8_t*>(data) + first;
      for (int64_t i = 0; i < count; i++)
        if (!attends[i * step]) scores[i] = -std::numeric_limits<float>::infinity();
      return;
    }
    case DType::f32: {
      const auto* added = static_cast<const float*>(data) + first;
      if (step == 1) return kernels::add_rows(scores, added, scores, count);
      for (int64_t i = 0; i < count; i++) scores[i] += added[i * step];
      return;
    }
    default: {
      const auto* added = static_cast<const uint16_t*>(data) + first;
      for (int64_t i = 0; i < count; i++) scores[i] += kernels::from_bf16(added[i * step]);
    }
  }
}

}  // namespace octavo
