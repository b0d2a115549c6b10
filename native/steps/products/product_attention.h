// Attention as two matrix products of oneDNN over all heads, with our own softmax between them. The softmax
// is computed in float32; its result has the dtype of the value that it is multiplied with. Not for shared
// heads.
#pragma once

#include <memory>

#include "steps/products/attention_problem.h"

namespace octavo {

std::unique_ptr<Step> create_product_attention(const StepSpec& spec, const AttentionProblem& problem);

}  // namespace octavo
