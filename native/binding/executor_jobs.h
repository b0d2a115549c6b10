// The jobs of an executor that settle promises: compiling a plan, and running one.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "binding/async_job.h"
#include "binding/request.h"

namespace octavo::binding {

// The plan compiled for every stream of the executor, whose JavaScript object is `owner`.
std::shared_ptr<CompiledPlan> compile_plan(const void* owner, const std::shared_ptr<const Plan>& plan,
                                           const Executor& executor);

// Resolves to a NativePlan.
class CompileJob : public AsyncJob {
 public:
  using Keep = std::function<void(const std::shared_ptr<CompiledPlan>&)>;

  // `keep` receives the compiled plan on the JavaScript thread. `owner` and `executor` outlive the job.
  CompileJob(Completions& completions, Napi::Env env, uint64_t arrival, const void* owner,
             std::shared_ptr<const Plan> plan, const Executor& executor, Keep keep)
      : AsyncJob(completions, env, plan->threads * plan->lanes, arrival),
        owner_(owner),
        plan_(std::move(plan)),
        executor_(executor),
        keep_(std::move(keep)) {}

  void work(Stream& stream) override;

 protected:
  Napi::Value result(Napi::Env env) override;

 private:
  const void* owner_;
  std::shared_ptr<const Plan> plan_;
  const Executor& executor_;
  Keep keep_;
  std::shared_ptr<CompiledPlan> compiled_;
};

// Resolves to undefined once the outputs are written.
class RunJob : public AsyncJob {
 public:
  // `arrays` keeps the caller's arrays from being collected.
  RunJob(Completions& completions, uint64_t arrival, Request request, const Napi::Object& arrays,
         const std::atomic<bool>& aborting)
      : AsyncJob(completions, arrays.Env(), request.threads(), arrival),
        request_(std::move(request)),
        arrays_(Napi::Persistent(arrays)),
        aborting_(aborting) {}

  void work(Stream& stream) override;

 protected:
  Napi::Value result(Napi::Env env) override { return env.Undefined(); }

 private:
  Request request_;
  Napi::ObjectReference arrays_;
  const std::atomic<bool>& aborting_;
};

}  // namespace octavo::binding
