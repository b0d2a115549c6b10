#include "binding/executor.h"

#include <functional>
#include <set>
#include <stdexcept>

#include "binding/async_job.h"
#include "binding/convert.h"
#include "binding/environment.h"
#include "binding/plan.h"
#include "binding/request.h"
#include "binding/sync_job.h"
#include "plan/executor.h"

namespace octavo::binding {

namespace {
// A request's number in the order of arrival; none: after all that came before.
uint64_t to_arrival(const Napi::Value& value) {
  return value.IsUndefined() ? Job::kLast : to_size(value, "Executor: arrival");
}

class ExecutorWrap;

class RunJob : public AsyncJob {
 public:
  // `arrays` keeps the caller's arrays from being collected.
  RunJob(Completions& completions, uint64_t arrival, Request request, const Napi::Object& arrays,
         const std::atomic<bool>& aborting)
      : AsyncJob(completions, arrays.Env(), arrival),
        request_(std::move(request)),
        arrays_(Napi::Persistent(arrays)),
        aborting_(aborting) {}

  void work(Stream& stream) override {
    request_.on(stream).run(request_.parts, request_.inputs(), request_.outputs(), stream, aborting_);
  }

 protected:
  Napi::Value result(Napi::Env env) override { return env.Undefined(); }

 private:
  Request request_;
  Napi::ObjectReference arrays_;
  const std::atomic<bool>& aborting_;
};

std::shared_ptr<CompiledPlan> compile_plan(const void* owner, const std::shared_ptr<const Plan>& plan,
                                           const Executor& executor) {
  auto compiled = std::make_shared<CompiledPlan>();
  compiled->owner = owner;
  compiled->plan = plan;
  for (size_t i = 0; i < executor.streams(); i++)
    compiled->by_stream.push_back(std::make_unique<StreamPlan>(plan, executor.aborting()));
  return compiled;
}

class CompileJob : public AsyncJob {
 public:
  CompileJob(ExecutorWrap& owner, Napi::Env env, uint64_t arrival, std::shared_ptr<const Plan> plan,
             const Executor& executor);

  void work(Stream&) override { compiled_ = compile_plan(&owner_, plan_, executor_); }

 protected:
  Napi::Value result(Napi::Env env) override;

 private:
  ExecutorWrap& owner_;  // alive as long as one of its jobs is
  std::shared_ptr<const Plan> plan_;
  const Executor& executor_;
  std::shared_ptr<CompiledPlan> compiled_;
};

class ExecutorWrap : public Napi::ObjectWrap<ExecutorWrap>, public Completions {
 public:
  explicit ExecutorWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    guarded(info.Env(), [&] { start(info); });
  }

  ~ExecutorWrap() override {
    // Collected: nothing is pending, for a pending job holds a reference.
    if (executor_) finish();
  }

  // Plans are dropped with the executor, even while JavaScript still holds their handles.
  void keep(const std::shared_ptr<CompiledPlan>& plan) {
    for (auto it = plans_.begin(); it != plans_.end();) it = it->expired() ? plans_.erase(it) : std::next(it);
    plans_.insert(plan);
  }

  Napi::Value compile(const Napi::CallbackInfo& info) {
    const auto env = info.Env();
    return guarded(env, [&] {
      auto plan = to_plan(info[0], threads_per_stream_);
      return start_job(
          env, std::make_unique<CompileJob>(*this, env, to_arrival(info[1]), std::move(plan), live()));
    });
  }

  Napi::Value compile_sync(const Napi::CallbackInfo& info) {
    const auto env = info.Env();
    return guarded(env, [&]() -> Napi::Value {
      const auto plan = to_plan(info[0], threads_per_stream_);
      std::shared_ptr<CompiledPlan> compiled;
      run_on_worker([&](Stream&) { compiled = compile_plan(this, plan, *executor_); });
      keep(compiled);
      return wrap_plan(env, compiled);
    });
  }

  Napi::Value run(const Napi::CallbackInfo& info) {
    const auto env = info.Env();
    return guarded(env, [&] {
      auto request = request_of(info);
      auto arrays = Napi::Array::New(env, 2);
      arrays.Set(0u, info[1]);
      arrays.Set(1u, info[2]);
      return start_job(env, std::make_unique<RunJob>(*this, to_arrival(info[4]), std::move(request), arrays,
                                                     live().aborting()));
    });
  }

  Napi::Value withdraw(const Napi::CallbackInfo& info) {
    const auto env = info.Env();
    return guarded(env, [&]() -> Napi::Value {
      // Who waits under a number has a promise: it came by way of `run` or `compile`.
      const uint64_t arrival = to_size(info[0], "Executor: arrival");
      auto* job = executor_ ? static_cast<AsyncJob*>(executor_->withdraw(arrival)) : nullptr;
      if (job) {
        job->reject(info[1]);
        retire(env, job);
      }
      return Napi::Boolean::New(env, job != nullptr);
    });
  }

  void run_sync(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] {
      const auto request = request_of(info);
      run_on_worker([&](Stream& stream) {
        request.on(stream).run(request.parts, request.inputs(), request.outputs(), stream,
                               executor_->aborting());
      });
    });
  }

  Napi::Value profile(const Napi::CallbackInfo& info) {
    const auto env = info.Env();
    return guarded(env, [&]() -> Napi::Value {
      const auto request = request_of(info);
      auto array =
          Napi::Float64Array::New(env, request.parts * StreamPlan::times_per_part(*request.plan->plan));
      double* times = array.Data();
      run_on_worker([&](Stream& stream) {
        request.on(stream).profile(request.parts, request.inputs(), request.outputs(), stream,
                                   executor_->aborting(), times);
      });
      return array;
    });
  }

  void dispose(const Napi::CallbackInfo& info) {
    if (!executor_ || disposed_) return;
    disposed_ = true;
    for (auto* job : executor_->close()) {
      // Synchronous jobs never wait here: their maker is this very thread.
      auto* waiting = static_cast<AsyncJob*>(job);
      waiting->reject(info.Env(), "the model was disposed before this request was started");
      retire(info.Env(), waiting);
    }
    if (pending_ == 0 && executor_) finish();
  }

 private:
  void completed(AsyncJob* job) noexcept override {
    napi_call_threadsafe_function(completions_, job, napi_tsfn_nonblocking);
  }

  void start(const Napi::CallbackInfo& info) {
    const auto env = info.Env();
    const auto options = info[0].IsObject() ? info[0].As<Napi::Object>() : Napi::Object::New(env);
    const auto count = [&](const char* name) {
      const auto value = options.Get(name);
      const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : 0;
      if (!(number >= 1 && number <= 1024) || number != static_cast<int>(number))
        throw std::invalid_argument(std::string("Executor: ") + name + " must be an integer from 1 to 1024");
      return static_cast<size_t>(number);
    };
    const size_t streams = count("streams");
    threads_per_stream_ = count("threadsPerStream");
    napi_status status = napi_create_threadsafe_function(
        env, nullptr, nullptr, Napi::String::New(env, "octavo.Executor"), 0, 1, nullptr, nullptr, this,
        [](napi_env raw, napi_value, void* self, void* data) {
          auto* job = static_cast<AsyncJob*>(data);
          if (raw)
            static_cast<ExecutorWrap*>(self)->deliver(raw, job);
          else
            delete job;  // the environment is going away and takes its promises along
        },
        &completions_);
    if (status != napi_ok) throw std::runtime_error("Executor: the completion queue could not be made");
    napi_unref_threadsafe_function(env, completions_);
    try {
      executor_ = std::make_unique<Executor>(streams);
    } catch (const std::exception& error) {
      napi_release_threadsafe_function(completions_, napi_tsfn_abort);
      throw std::runtime_error(std::string("Executor: the threads could not be started: ") + error.what());
    }
    environment_ = Environment::of(env);
    environment_->add(executor_.get());
    // After the completion queue was made, so that it is called before that one is torn down.
    napi_add_env_cleanup_hook(env, tear_down, this);
  }

  Executor& live() {
    if (!executor_ || disposed_) throw std::runtime_error("the model is disposed");
    return *executor_;
  }

  Request request_of(const Napi::CallbackInfo& info) {
    live();
    return to_request(this, info[0], info[1], info[2], info[3]);
  }

  Napi::Value start_job(Napi::Env env, std::unique_ptr<AsyncJob> job) {
    const auto promise = job->promise();
    environment_->release_threads();
    // Refused after the process has emitted 'exit': then nothing was counted yet. A job that is done before
    // it is counted is still delivered after this, on this thread.
    executor_->submit(job.get());
    job.release();
    if (pending_++ == 0) {
      // The event loop waits for requests, and so does the garbage collector.
      napi_ref_threadsafe_function(env, completions_);
      Ref();
    }
    return promise;
  }

  void run_on_worker(std::function<void(Stream&)> body) {
    SyncJob job(std::move(body));
    environment_->release_threads();
    live().submit(&job);
    job.wait();
  }

  void retire(Napi::Env env, AsyncJob* job) {
    delete job;
    if (--pending_ > 0) return;
    napi_unref_threadsafe_function(env, completions_);
    if (disposed_) finish();
    Unref();
  }

  // On the JavaScript thread, for a job that a worker has completed.
  void deliver(Napi::Env env, AsyncJob* job) noexcept {
    try {
      const Napi::HandleScope scope(env);
      job->settle(env);
    } catch (const std::exception&) {
      // Only in an environment that no longer runs JavaScript: nobody is left to be told.
    }
    retire(env, job);
  }

  void finish() {
    napi_remove_env_cleanup_hook(Env(), tear_down, this);
    stop();
    napi_release_threadsafe_function(completions_, napi_tsfn_abort);
  }

  // The environment ends, of which the completion queue is a part: it must not be touched after this.
  static void tear_down(void* self) { static_cast<ExecutorWrap*>(self)->stop(); }

  void stop() {
    environment_->remove(executor_.get());
    executor_->abort();
    for (auto* job : executor_->close()) delete job;
    executor_.reset();
    for (const auto& weak : plans_)
      if (const auto plan = weak.lock()) {
        plan->by_stream.clear();
        plan->plan.reset();  // with it what it holds of weights
      }
    plans_.clear();
  }

  std::unique_ptr<Executor> executor_;  // null once stopped
  std::shared_ptr<Environment> environment_;
  napi_threadsafe_function completions_ = nullptr;
  std::set<std::weak_ptr<CompiledPlan>, std::owner_less<std::weak_ptr<CompiledPlan>>> plans_;
  size_t threads_per_stream_ = 0;
  size_t pending_ = 0;  // promises not yet settled
  bool disposed_ = false;
};

CompileJob::CompileJob(ExecutorWrap& owner, Napi::Env env, uint64_t arrival, std::shared_ptr<const Plan> plan,
                       const Executor& executor)
    : AsyncJob(owner, env, arrival), owner_(owner), plan_(std::move(plan)), executor_(executor) {}

Napi::Value CompileJob::result(Napi::Env env) {
  owner_.keep(compiled_);
  return wrap_plan(env, compiled_);
}
}  // namespace

Napi::Function executor_class(Napi::Env env) {
  return ExecutorWrap::DefineClass(env, "Executor",
                                   {ExecutorWrap::InstanceMethod<&ExecutorWrap::compile>("compile"),
                                    ExecutorWrap::InstanceMethod<&ExecutorWrap::compile_sync>("compileSync"),
                                    ExecutorWrap::InstanceMethod<&ExecutorWrap::run>("run"),
                                    ExecutorWrap::InstanceMethod<&ExecutorWrap::withdraw>("withdraw"),
                                    ExecutorWrap::InstanceMethod<&ExecutorWrap::run_sync>("runSync"),
                                    ExecutorWrap::InstanceMethod<&ExecutorWrap::profile>("profile"),
                                    ExecutorWrap::InstanceMethod<&ExecutorWrap::dispose>("dispose")});
}

}  // namespace octavo::binding
