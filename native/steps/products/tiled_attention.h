// Attention in float32, some queries of one head at a time: their scores stay in the cache.
#pragma once

#include <memory>

#include "steps/products/attention_problem.h"

namespace octavo {

std::unique_ptr<Step> create_tiled_attention(const StepSpec& spec, const AttentionProblem& problem);

}  // namespace octavo
