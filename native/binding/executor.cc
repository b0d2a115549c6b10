#include "binding/executor.h"

#include <functional>
#include <set>
#include <stdexcept>

#include "binding/completion_queue.h"
#include "binding/convert.h"
#include "binding/environment.h"
#include "binding/executor_jobs.h"
#include "binding/run_statistics.h"
#include "binding/sync_job.h"
#include "plan/executor.h"

namespace octavo::binding {

namespace {
// How long a waiting event loop may hold up what else it has to do.
constexpr std::chrono::microseconds kTurn{5};

// A request's number in the order of arrival. Without one it comes after all others.
uint64_t to_arrival(const Napi::Value& value) {
  return value.IsUndefined() ? Job::kLast : to_size(value, "Executor: arrival");
}

class ExecutorWrap : public Napi::ObjectWrap<ExecutorWrap>, public Recipient {
 public:
  explicit ExecutorWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    guarded(info.Env(), [&] { start(info); });
  }

  ~ExecutorWrap() override {
    // Collected: nothing is pending, for a pending job holds a reference.
    if (executor_) finish();
  }

  Napi::Value compile(const Napi::CallbackInfo& info) {
    const auto env = info.Env();
    return guarded(env, [&] {
      auto plan = to_plan(info[0], threads_per_stream_);
      return start_job(
          env, std::make_unique<CompileJob>(*completions_, env, to_arrival(info[1]), this, std::move(plan),
                                            live(), [this](const auto& compiled) { keep(compiled); }));
    });
  }

  Napi::Value compile_sync(const Napi::CallbackInfo& info) {
    const auto env = info.Env();
    return guarded(env, [&]() -> Napi::Value {
      const auto plan = to_plan(info[0], threads_per_stream_);
      std::shared_ptr<CompiledPlan> compiled;
      run_on_worker(plan->threads * plan->lanes,
                    [&](Stream&) { compiled = compile_plan(this, plan, *executor_); });
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
      auto batch = unwrap_batch(info[5]);
      const size_t samples = info[6].IsUndefined() ? 1 : to_size(info[6], "run: samples");
      const bool wants_timing = info[7].ToBoolean();
      return start_job(env, std::make_unique<RunJob>(*completions_, to_arrival(info[4]), std::move(request),
                                                     std::move(batch), samples, wants_timing, statistics_,
                                                     arrays, live().aborting()));
    });
  }

  Napi::Value statistics(const Napi::CallbackInfo& info) { return statistics_.to_object(info.Env()); }

  Napi::Value withdraw(const Napi::CallbackInfo& info) {
    const auto env = info.Env();
    return guarded(env, [&]() -> Napi::Value {
      // A job with a number has a promise: it was submitted by `run` or `compile`.
      const uint64_t arrival = to_size(info[0], "Executor: arrival");
      auto* job = executor_ ? static_cast<AsyncJob*>(executor_->withdraw(arrival)) : nullptr;
      if (job) {
        job->reject(info[1]);
        retire(env, job);
      }
      return Napi::Boolean::New(env, job != nullptr);
    });
  }

  // Between two turns of the event loop. See NativeExecutor.attend.
  Napi::Value attend(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), executor_ && pending_ > 0 && attend());
  }

  void run_sync(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] {
      const auto request = request_of(info);
      run_and_wait(request, [&](Stream& stream) {
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
      run_and_wait(request, [&](Stream& stream) {
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
      // No synchronous job is waiting: this thread would be waiting for it.
      auto* waiting = static_cast<AsyncJob*>(job);
      waiting->reject(
          js_error(info.Env(), Cause::disposed, "the model was disposed before this request was started")
              .Value());
      retire(info.Env(), waiting);
    }
    if (pending_ == 0 && executor_) finish();
  }

 private:
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
    const size_t cpus = count("cpus");
    completions_ = std::make_unique<CompletionQueue>(env, *this);
    try {
      executor_ = std::make_unique<Executor>(streams, cpus);
    } catch (const std::exception& error) {
      completions_->close();
      throw std::runtime_error(std::string("Executor: the threads could not be started: ") + error.what());
    }
    environment_ = Environment::of(env);
    environment_->add(executor_.get());
    // Added after the completion queue was made, and therefore called before Node deletes that.
    napi_add_env_cleanup_hook(env, tear_down, this);
  }

  Executor& live() {
    if (!executor_ || disposed_) throw Failure(Cause::disposed, "the model is disposed");
    return *executor_;
  }

  Request request_of(const Napi::CallbackInfo& info) {
    live();
    return to_request(this, info[0], info[1], info[2], info[3]);
  }

  Napi::Value start_job(Napi::Env env, std::unique_ptr<AsyncJob> job) {
    const auto promise = job->promise();
    environment_->release_threads();
    // Throws once the process has emitted 'exit'; nothing is counted then. A job that is done before it is
    // counted is still delivered after this function, on this thread.
    executor_->submit(job.get());
    job.release();
    if (pending_++ == 0) {
      // Neither the event loop nor the garbage collector may end while jobs are pending.
      completions_->hold(env);
      Ref();
    }
    return promise;
  }

  bool attend() {
    const auto now = Clock::now();
    if (!attends_) {
      if (!executor_->has_spare_cpu() || !round_trips_.begin(now)) return false;
      attends_ = true;
      attends_since_ = now;
    }
    if (now - attends_since_ > kActiveWait || !executor_->has_spare_cpu()) end_attendance(now, false);
    while (attends_ && completions_->count() == delivered_ && Clock::now() - now < kTurn) pause();
    return attends_;
  }

  void end_attendance(Clock::time_point now, bool with_event) {
    if (attends_) round_trips_.end(now, with_event);
    attends_ = false;
  }

  // Plans are dropped with the executor, even if JavaScript still has their handles.
  void keep(const std::shared_ptr<CompiledPlan>& plan) {
    for (auto it = plans_.begin(); it != plans_.end();) it = it->expired() ? plans_.erase(it) : std::next(it);
    plans_.insert(plan);
  }

  // In the request's turn. If that is now, one thread computes it as well as another, and sooner.
  void run_and_wait(const Request& request, const std::function<void(Stream&)>& body) {
    if (request.threads() > 1 || !live().run_here(body)) run_on_worker(request.threads(), body);
  }

  void run_on_worker(size_t threads, std::function<void(Stream&)> body) {
    SyncJob job(threads, std::move(body));
    environment_->release_threads();
    live().submit(&job);
    job.wait();
  }

  void retire(Napi::Env env, AsyncJob* job) {
    delete job;
    if (--pending_ > 0) return;
    attends_ = false;
    completions_->release(env);
    if (disposed_) finish();
    Unref();
  }

  void deliver(Napi::Env env, AsyncJob* job) noexcept override {
    const auto now = Clock::now();
    round_trips_.record(now - job->created());
    end_attendance(now, true);
    delivered_++;
    try {
      const Napi::HandleScope scope(env);
      job->settle(env);
    } catch (const std::exception&) {
      // Only in an environment that no longer runs JavaScript, so there is nobody to report to.
    }
    retire(env, job);
  }

  void finish() {
    napi_remove_env_cleanup_hook(Env(), tear_down, this);
    stop();
    completions_->close();
  }

  // The environment ends, and the completion queue with it, which must not be used after this.
  static void tear_down(void* self) { static_cast<ExecutorWrap*>(self)->stop(); }

  void stop() {
    environment_->remove(executor_.get());
    executor_->abort();
    for (auto* job : executor_->close()) delete job;
    executor_.reset();
    for (const auto& weak : plans_)
      if (const auto plan = weak.lock()) {
        plan->by_stream.clear();
        plan->plan.reset();  // and the weights that it holds
      }
    plans_.clear();
  }

  std::unique_ptr<Executor> executor_;  // null once stopped
  std::shared_ptr<Environment> environment_;
  std::unique_ptr<CompletionQueue> completions_;
  std::set<std::weak_ptr<CompiledPlan>, std::owner_less<std::weak_ptr<CompiledPlan>>> plans_;
  RunStatistics statistics_;
  size_t threads_per_stream_ = 0;
  size_t pending_ = 0;  // promises not yet settled
  bool disposed_ = false;

  // How the event loop waits for promises to settle.
  ShortWaits round_trips_;
  size_t delivered_ = 0;  // jobs, of those that the completion queue counts
  bool attends_ = false;
  Clock::time_point attends_since_;
};

}  // namespace

Napi::Function executor_class(Napi::Env env) {
  return ExecutorWrap::DefineClass(env, "Executor",
                                   {ExecutorWrap::InstanceMethod<&ExecutorWrap::compile>("compile"),
                                    ExecutorWrap::InstanceMethod<&ExecutorWrap::compile_sync>("compileSync"),
                                    ExecutorWrap::InstanceMethod<&ExecutorWrap::run>("run"),
                                    ExecutorWrap::InstanceMethod<&ExecutorWrap::withdraw>("withdraw"),
                                    ExecutorWrap::InstanceMethod<&ExecutorWrap::attend>("attend"),
                                    ExecutorWrap::InstanceMethod<&ExecutorWrap::run_sync>("runSync"),
                                    ExecutorWrap::InstanceMethod<&ExecutorWrap::profile>("profile"),
                                    ExecutorWrap::InstanceMethod<&ExecutorWrap::statistics>("statistics"),
                                    ExecutorWrap::InstanceMethod<&ExecutorWrap::dispose>("dispose")});
}

}  // namespace octavo::binding
