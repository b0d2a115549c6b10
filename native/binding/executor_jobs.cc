#include "binding/executor_jobs.h"

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

void RunJob::work(Stream& stream) {
  request_.on(stream).run(request_.parts, request_.inputs(), request_.outputs(), stream, aborting_);
}

}  // namespace octavo::binding
