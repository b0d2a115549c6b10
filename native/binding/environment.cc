#include "binding/environment.h"

#include <omp.h>

#include "plan/executor.h"

namespace octavo::binding {

namespace {
using Handle = std::shared_ptr<Environment>;
}

void Environment::install(Napi::Env env) {
  auto environment = std::make_shared<Environment>();
  env.SetInstanceData(new Handle(environment));
  // process.exit() runs no clean-up hooks: it goes straight on to destroy the statics of every library, under
  // the feet of threads that still compute. The event 'exit' comes before.
  auto process = env.Global().Get("process").As<Napi::Object>();
  const auto stop =
      Napi::Function::New(env, [environment](const Napi::CallbackInfo&) { environment->stop_all(); });
  process.Get("on").As<Napi::Function>().Call(process, {Napi::String::New(env, "exit"), stop});
}

std::shared_ptr<Environment> Environment::of(Napi::Env env) { return *env.GetInstanceData<Handle>(); }

void Environment::release_threads() {
  if (holds_threads_) omp_pause_resource_all(omp_pause_hard);
  holds_threads_ = false;
}

void Environment::stop_all() {
  for (auto* executor : executors_) executor->abort();
  for (auto* executor : executors_) {
    for (auto* job : executor->close()) delete job;
    executor->join();
  }
}

}  // namespace octavo::binding
