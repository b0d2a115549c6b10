// The jobs of an executor that settle promises: compiling a plan, and running one.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "binding/async_job.h"
#include "binding/batch.h"
#include "binding/request.h"
#include "binding/run_statistics.h"

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

// Resolves, once the outputs are written, to what it took if that is wanted: see NativeExecutor.run.
class RunJob : public AsyncJob {
 public:
  // `arrays` keeps the caller's arrays from being collected. `batch`, if not null, is what the request may be
  // computed together with, as `samples` of its samples. `statistics` outlives the job.
  RunJob(Completions& completions, uint64_t arrival, Request request, std::shared_ptr<PlannedBatch> batch,
         size_t samples, bool wants_timing, RunStatistics& statistics, const Napi::Object& arrays,
         const std::atomic<bool>& aborting)
      : AsyncJob(completions, arrays.Env(), request.threads(), arrival),
        request_(std::move(request)),
        batch_(std::move(batch)),
        samples_(samples),
        computed_(samples),
        wants_timing_(wants_timing),
        statistics_(statistics),
        arrays_(Napi::Persistent(arrays)),
        aborting_(aborting) {}

  size_t threads() const override;
  const Batch* batch() const override { return batch_.get(); }
  size_t samples() const override { return samples_; }
  void take_along(std::vector<Job*> others, size_t samples) override;
  void work(Stream& stream) override;
  void done(std::exception_ptr error) noexcept override;
  void settle(Napi::Env env) override;

 protected:
  Napi::Value result(Napi::Env env) override;

 private:
  void run_alone(Stream& stream);
  void run_together(Stream& stream);

  Request request_;
  std::shared_ptr<PlannedBatch> batch_;
  const size_t samples_;
  size_t computed_;  // samples of this request and of those that it was computed with
  RunTiming timing_;
  bool leads_ = true;  // of those that were computed together
  const bool wants_timing_;
  RunStatistics& statistics_;
  std::vector<RunJob*> others_;
  std::vector<std::exception_ptr> errors_;  // of the others
  Napi::ObjectReference arrays_;
  const std::atomic<bool>& aborting_;
};

}  // namespace octavo::binding
