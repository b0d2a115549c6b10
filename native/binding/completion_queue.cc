#include "binding/completion_queue.h"

#include <stdexcept>

namespace octavo::binding {

CompletionQueue::CompletionQueue(Napi::Env env, Recipient& recipient) {
  const napi_status status = napi_create_threadsafe_function(
      env, nullptr, nullptr, Napi::String::New(env, "octavo.Executor"), 0, 1, nullptr, nullptr, &recipient,
      [](napi_env raw, napi_value, void* context, void* data) {
        auto* job = static_cast<AsyncJob*>(data);
        if (raw)
          static_cast<Recipient*>(context)->deliver(raw, job);
        else
          delete job;  // the environment ends, and its promises with it
      },
      &function_);
  if (status != napi_ok) throw std::runtime_error("Executor: the completion queue could not be made");
  napi_unref_threadsafe_function(env, function_);
}

void CompletionQueue::completed(AsyncJob* job) noexcept {
  count_.fetch_add(1, std::memory_order_relaxed);
  napi_call_threadsafe_function(function_, job, napi_tsfn_nonblocking);
}

}  // namespace octavo::binding
