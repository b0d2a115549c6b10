// Pooling in Octavo's loops, for every problem.
#pragma once

#include "steps/reduction/pool_problem.h"

namespace octavo {

std::unique_ptr<Step> create_loop_pool(const StepSpec& spec, const PoolProblem& problem);

}  // namespace octavo
