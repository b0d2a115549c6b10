// A plan made ready for one stream: an instance for each part of a request that is computed at once.
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

  // One request: `inputs` and `outputs` are one pointer a plan input and output, to its `parts` one behind
  // the other. Threads take one part after the other, so that one that is held up does fewer. The first error
  // is thrown.
  void run(size_t parts, void* const* inputs, void* const* outputs, Stream& stream,
           const std::atomic<bool>& abort);
  // The same. `times` receives for each part the number of the lane that computed it, and then two numbers a
  // step, as of PlanInstance::profile.
  void profile(size_t parts, void* const* inputs, void* const* outputs, Stream& stream,
               const std::atomic<bool>& abort, double* times);
  // Numbers that `times` has for each part.
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
