// Brings completed jobs from the workers to the JavaScript thread.
#pragma once

#include <napi.h>

#include <atomic>

#include "binding/async_job.h"

namespace octavo::binding {

// Receives completed jobs on the JavaScript thread.
class Recipient {
 public:
  virtual void deliver(Napi::Env env, AsyncJob* job) noexcept = 0;

 protected:
  ~Recipient() = default;
};

// A Node-API thread-safe function. The event loop does not wait for it unless it is held. When the
// environment ends, Node deletes the queue, after the environment's clean-up hooks that were added later than
// the queue; the jobs still in it are deleted with their promises.
class CompletionQueue : public Completions {
 public:
  // `recipient` must live until close() or the end of the environment. Throws std::runtime_error.
  CompletionQueue(Napi::Env env, Recipient& recipient);
  CompletionQueue(const CompletionQueue&) = delete;
  CompletionQueue& operator=(const CompletionQueue&) = delete;

  void completed(AsyncJob* job) noexcept override;
  // Jobs completed so far, those included that wait to be delivered. No more than a hint: what a job wrote
  // becomes visible with its delivery.
  size_t count() const { return count_.load(std::memory_order_relaxed); }
  // Whether the event loop waits for the queue.
  void hold(Napi::Env env) { napi_ref_threadsafe_function(env, function_); }
  void release(Napi::Env env) { napi_unref_threadsafe_function(env, function_); }
  // Delivers nothing more. Must not be called once the environment is being cleaned up.
  void close() { napi_release_threadsafe_function(function_, napi_tsfn_abort); }

 private:
  napi_threadsafe_function function_ = nullptr;
  std::atomic<size_t> count_{0};
};

}  // namespace octavo::binding
