// Creates a plan's steps on all threads that will compute it: compiling kernels and packing weights is
// most of the time between a model's file and its first result.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "plan/plan.h"

namespace octavo {

// One for each plan step. Stops with Aborted once `abort` is set. If several steps fail, the error of
// the first is thrown.
std::vector<std::unique_ptr<Step>> create_steps(const Plan& plan, const std::atomic<bool>& abort);

}  // namespace octavo
