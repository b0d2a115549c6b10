#include "binding/executor_jobs.h"

#include <iterator>
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
  statistics_.begun(1 + others_.size());
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
  timing_.started = Clock::now();
  request_.on(stream).run(request_.parts, request_.inputs(), request_.outputs(), stream, aborting_);
  timing_.infer = Clock::now() - timing_.started;
}

void RunJob::run_together(Stream& stream) {
  std::vector<const Request*> requests{&request_};
  for (const RunJob* other : others_) requests.push_back(&other->request_);
  timing_ = batch_->run(requests, computed_, stream, aborting_);
  for (RunJob* other : others_) {
    other->computed_ = computed_;
    other->timing_ = timing_;
    other->leads_ = false;
  }
}

void RunJob::done(std::exception_ptr error) noexcept {
  // With the last call the executor has given up all of them.
  for (size_t i = 0; i < others_.size(); i++) others_[i]->done(errors_[i]);
  AsyncJob::done(std::move(error));
}

void RunJob::settle(Napi::Env env) {
  statistics_.settled();
  AsyncJob::settle(env);
}

Napi::Value RunJob::result(Napi::Env env) {
  const auto queued = timing_.started - created();
  statistics_.computed(timing_, queued, samples_, computed_, leads_);
  if (!wants_timing_) return env.Undefined();
  const double numbers[] = {nanoseconds(created().time_since_epoch()),
                            nanoseconds(queued),
                            nanoseconds(timing_.input),
                            nanoseconds(timing_.infer),
                            nanoseconds(timing_.output),
                            static_cast<double>(computed_)};
  auto array = Napi::Array::New(env, std::size(numbers));
  uint32_t next = 0;
  for (const double number : numbers) array.Set(next++, number);
  return array;
}

}  // namespace octavo::binding
