#include "binding/executor_jobs.h"

#include <utility>

#include "plan/aborted.h"

namespace octavo::binding {

std::shared_ptr<CompiledPlan> compile_plan(const void* owner, const std::shared_ptr<const Plan>& plan,
                                           const Executor& executor) {
  auto compiled = std::make_shared<CompiledPlan>();
  compiled->owner = owner;
  compiled->plan = plan;
  for (size_t i = 0; i < executor.streams(); i++)
    compiled->by_stream.push_back(std::make_unique<StreamPlan>(plan, executor.aborting()));
  return compiled;
}

void CompileJob::work(Stream&) { compiled_ = compile_plan(owner_, plan_, executor_); }

Napi::Value CompileJob::result(Napi::Env env) {
  keep_(compiled_);
  return wrap_plan(env, compiled_);
}

size_t RunJob::threads() const { return others_.empty() ? Job::threads() : batch_->threads(computed_); }

void RunJob::take_along(std::vector<Job*> others, size_t samples) {
  // Only jobs of this class have a batch.
  for (Job* other : others) others_.push_back(static_cast<RunJob*>(other));
  errors_.resize(others_.size());
  computed_ = samples;
}

void RunJob::work(Stream& stream) {
  if (others_.empty()) return run_alone(stream);
  try {
    run_together(stream);
    return;
  } catch (const Aborted&) {
    errors_.assign(others_.size(), std::current_exception());
    throw;
  } catch (...) {
    // Whose fault it was shows when each runs for itself.
  }
  for (size_t i = 0; i < others_.size(); i++) try {
      others_[i]->run_alone(stream);
    } catch (...) {
      errors_[i] = std::current_exception();
    }
  computed_ = samples_;
  run_alone(stream);
}

void RunJob::run_alone(Stream& stream) {
  request_.on(stream).run(request_.parts, request_.inputs(), request_.outputs(), stream, aborting_);
}

void RunJob::run_together(Stream& stream) {
  std::vector<const Request*> requests{&request_};
  for (const RunJob* other : others_) requests.push_back(&other->request_);
  batch_->run(requests, computed_, stream, aborting_);
  for (RunJob* other : others_) other->computed_ = computed_;
}

void RunJob::done(std::exception_ptr error) noexcept {
  // With the last call the executor has given up all of them.
  for (size_t i = 0; i < others_.size(); i++) others_[i]->done(errors_[i]);
  AsyncJob::done(std::move(error));
}

}  // namespace octavo::binding
