#include "plan/step_creation.h"

#include <omp.h>

#include <algorithm>
#include <exception>
#include <system_error>
#include <thread>

#include "plan/aborted.h"

namespace octavo {

namespace {
class StepCreation {
 public:
  StepCreation(const Plan& plan, const std::atomic<bool>& abort)
      : plan_(plan), abort_(abort), steps_(plan.steps.size()), errors_(plan.steps.size()) {}

  // Every participating thread calls this: it creates the next step until there is none left.
  void work() {
    // For this thread alone: primitives are created under the thread count that will run them.
    omp_set_num_threads(static_cast<int>(plan_.threads));
    // A step that was started is completed, so of several errors the first step's is always among them.
    while (!stopped()) {
      const size_t at = next_++;
      if (at >= steps_.size()) return;
      try {
        steps_[at] = create_step(plan_.steps[at].spec);
      } catch (...) {
        errors_[at] = std::current_exception();
        failed_ = true;
      }
    }
  }

  std::vector<std::unique_ptr<Step>> take() {
    // The first in the order of the steps, not of the threads: the same plan fails with the same error.
    for (const auto& error : errors_)
      if (error) std::rethrow_exception(error);
    if (stopped()) throw Aborted();
    return std::move(steps_);
  }

 private:
  bool stopped() const { return failed_ || abort_.load(std::memory_order_relaxed); }

  const Plan& plan_;
  const std::atomic<bool>& abort_;
  std::vector<std::unique_ptr<Step>> steps_;
  std::vector<std::exception_ptr> errors_;
  std::atomic<size_t> next_{0};
  std::atomic<bool> failed_{false};
};
}  // namespace

std::vector<std::unique_ptr<Step>> create_steps(const Plan& plan, const std::atomic<bool>& abort) {
  StepCreation creation(plan, abort);
  std::vector<std::thread> helpers;
  const size_t threads = std::min(plan.threads * plan.lanes, plan.steps.size());
  helpers.reserve(threads);
  try {
    while (helpers.size() + 1 < threads) helpers.emplace_back([&] { creation.work(); });
  } catch (const std::system_error&) {
    // The system refuses more threads: the existing ones do the work.
  }
  creation.work();
  for (auto& helper : helpers) helper.join();
  return creation.take();
}

}  // namespace octavo
