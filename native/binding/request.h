// One run of a plan, as JavaScript asks for it.
#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "binding/plan.h"
#include "plan/executor.h"

namespace octavo::binding {

// The plan and the caller's buffers: inputs first, then outputs. They hold `parts` of what the plan computes,
// one behind the other.
struct Request {
  std::shared_ptr<CompiledPlan> plan;
  std::vector<void*> buffers;
  size_t parts = 1;

  void* const* inputs() const { return buffers.data(); }
  void* const* outputs() const { return buffers.data() + plan->plan->inputs.size(); }
  size_t threads() const { return plan->plan->threads * plan->plan->lanes; }
  StreamPlan& on(const Stream& stream) const { return *plan->by_stream[stream.index]; }
};

// Reads and checks the arguments of `run`. Throws std::invalid_argument unless `owner` compiled the plan,
// every array has the element type that the plan wants and `parts` times its size, and no output shares its
// memory.
Request to_request(const void* owner, const Napi::Value& plan, const Napi::Value& inputs,
                   const Napi::Value& outputs, const Napi::Value& parts);

}  // namespace octavo::binding
