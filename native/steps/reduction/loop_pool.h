// Pooling by loops of our own.
#pragma once

#include "steps/reduction/pool_problem.h"

namespace octavo {

std::unique_ptr<Step> create_own_pool(const StepSpec& spec, const PoolProblem& problem);

}  // namespace octavo
