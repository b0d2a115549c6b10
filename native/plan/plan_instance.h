// A plan made ready to run: primitives of its own, bound to one arena.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "plan/aborted.h"
#include "plan/arena.h"
#include "plan/plan.h"

namespace octavo {

class PlanInstance {
 public:
  // Makes the primitives. Stops with Aborted once `abort` is set.
  PlanInstance(std::shared_ptr<const Plan> plan, const std::atomic<bool>& abort);

  // One inference. `inputs` and `outputs` hold one pointer for each plan input and output. Errors name
  // the step. Stops between two steps with Aborted once `abort` is set.
  void run(void* const* inputs, void* const* outputs, Arena& arena, const std::atomic<bool>& abort);
  // The same. `times` receives two numbers for each step, in nanoseconds: its start on the monotonic
  // clock, and its duration.
  void profile(void* const* inputs, void* const* outputs, Arena& arena, const std::atomic<bool>& abort,
               double* times);

  const Plan& plan() const { return *plan_; }
  const Step& step(size_t index) const { return *bound_[index].step; }

 private:
  struct BoundStep {
    std::unique_ptr<Step> step;
    std::vector<const void*> inputs;
    std::vector<void*> outputs;
  };
  // A pointer that changes with every run: a value in the caller's memory.
  struct CallerSlot {
    Storage storage;
    void** pointer;
  };

  void use_threads() const;
  void bind(void* const* inputs, void* const* outputs, Arena& arena);
  void bind_arena(uint8_t* base);
  template <typename Around>
  void execute(const std::atomic<bool>& abort, Around around);

  std::shared_ptr<const Plan> plan_;
  std::vector<BoundStep> bound_;
  std::vector<CallerSlot> caller_slots_;
  size_t scratchpad_bytes_ = 0;
  size_t scratchpad_offset_ = 0;
  void* scratchpad_ = nullptr;
  void* arena_base_ = nullptr;
};

}  // namespace octavo
