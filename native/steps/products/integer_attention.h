// Attention of 8-bit integers, some queries of one head at a time: products of bytes in AMX tiles or AVX-512
// VNNI, and between them a softmax of the sums whose result are bytes again.
#pragma once

#include <memory>

#include "contract/candidates.h"
#include "steps/products/attention_problem.h"

namespace octavo {

Refusal integer_attention_refusal(const AttentionProblem& problem);

std::unique_ptr<Step> create_integer_attention(const StepSpec& spec, const AttentionProblem& problem);

}  // namespace octavo
