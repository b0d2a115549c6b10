// Makes a plan's steps on as many threads as will compute it: compiling kernels and packing weights is most
// of the time between a model's file and its first result.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "plan/plan.h"

namespace octavo {

// One a plan step. Stops with Aborted once `abort` is set; the error of the first step that has one is
// thrown.
std::vector<std::unique_ptr<Step>> create_steps(const Plan& plan, const std::atomic<bool>& abort);

}  // namespace octavo
