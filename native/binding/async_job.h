// A job that settles a promise.
#pragma once

#include <napi.h>

#include "binding/js_error.h"
#include "plan/executor.h"

namespace octavo::binding {

class AsyncJob;

// Brings completed jobs to the JavaScript thread.
class Completions {
 public:
  // On a worker. After it the job may be gone at any moment.
  virtual void completed(AsyncJob* job) noexcept = 0;

 protected:
  ~Completions() = default;
};

class AsyncJob : public Job {
 public:
  // `completions` lives as long as one of its jobs does.
  AsyncJob(Completions& completions, Napi::Env env, size_t threads, uint64_t arrival)
      : Job(threads, arrival), completions_(completions), deferred_(Napi::Promise::Deferred::New(env)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }
  void done(std::exception_ptr error) noexcept override {
    error_ = error;
    completions_.completed(this);
  }
  // On the JavaScript thread, as all that follows.
  virtual void settle(Napi::Env env) {
    if (error_)
      reject(reason_of(env, error_).Value());
    else
      deferred_.Resolve(result(env));
  }
  void reject(const Napi::Value& reason) { deferred_.Reject(reason); }

 protected:
  virtual Napi::Value result(Napi::Env env) = 0;

 private:
  static Napi::Error reason_of(Napi::Env env, const std::exception_ptr& error) {
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& e) {
      return js_error(env, e);
    } catch (...) {
      return js_error(env, Cause::unknown, "unknown error");
    }
  }

  Completions& completions_;
  Napi::Promise::Deferred deferred_;
  std::exception_ptr error_;
};

}  // namespace octavo::binding
