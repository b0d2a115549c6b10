// Plans on their way in from JavaScript, and the handle JavaScript keeps of a compiled one.
#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "plan/stream_plan.h"

namespace octavo::binding {

// A plan compiled for every stream of one executor. Handles and running requests share it. Empty once that
// executor is disposed of.
struct CompiledPlan {
  const void* owner;  // the executor that compiled it
  std::shared_ptr<const Plan> plan;
  std::vector<std::unique_ptr<StreamPlan>> by_stream;
};

// Reads and checks a PlanDesc of lib/native/addon.ts for streams of `max_threads`. Throws
// std::invalid_argument that says what is wrong.
std::shared_ptr<const Plan> to_plan(const Napi::Value& value, size_t max_threads);

// The NativePlan object for JavaScript.
Napi::Object wrap_plan(Napi::Env env, std::shared_ptr<CompiledPlan> plan);
// The plan behind a NativePlan, or null when the value is something else, or was released.
std::shared_ptr<CompiledPlan> unwrap_plan(const Napi::Value& value);
// releasePlan(plan): its memory is freed as soon as no request runs it.
void release_plan(const Napi::CallbackInfo& info);

}  // namespace octavo::binding
