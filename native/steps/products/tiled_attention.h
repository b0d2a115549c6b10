// Attention, some queries of one head at a time: their scores stay in the cache. It multiplies in float32;
// other operands are converted a head at a time. Of 8-bit integers the weights are rounded as their bytes
// would be.
#pragma once

#include <memory>

#include "steps/products/attention_problem.h"

namespace octavo {

std::unique_ptr<Step> create_tiled_attention(const StepSpec& spec, const AttentionProblem& problem);

}  // namespace octavo
