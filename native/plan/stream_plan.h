// A plan made ready for one stream: an instance for each part of a request that runs at the same time.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "plan/plan_instance.h"
#include "plan/stream.h"

namespace octavo {

class StreamPlan {
 public:
  // Makes the primitives. Stops with Aborted once `abort` is set.
  StreamPlan(const std::shared_ptr<const Plan>& plan, const std::atomic<bool>& abort);

  // One request. `inputs` and `outputs` hold one pointer for each plan input and output, to its `parts`,
  // concatenated. Each thread computes one part after the other, so that a thread that is held up does
  // fewer. Throws the first error.
  void run(size_t parts, void* const* inputs, void* const* outputs, Stream& stream,
           const std::atomic<bool>& abort);
  // The same. `times` receives for each part the number of the lane that computed it, then two numbers
  // for each step, as PlanInstance::profile returns them.
  void profile(size_t parts, void* const* inputs, void* const* outputs, Stream& stream,
               const std::atomic<bool>& abort, double* times);
  // The count of numbers in `times` for each part.
  static size_t times_per_part(const Plan& plan) { return 1 + 2 * plan.steps.size(); }

  const PlanInstance& instance() const { return *instances_.front(); }

 private:
  template <typename RunPart>
  void for_each_part(size_t parts, void* const* inputs, void* const* outputs, Stream& stream,
                     const RunPart& run_part);

  std::shared_ptr<const Plan> plan_;
  std::vector<std::unique_ptr<PlanInstance>> instances_;
};

}  // namespace octavo
