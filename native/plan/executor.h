// A model's own threads: workers that take jobs from one queue, in the order of their numbers. A worker that
// has ended a job stays awake for a moment if the jobs before came one soon after the other
// (plan/active_wait.h).
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "plan/active_wait.h"
#include "plan/batch.h"
#include "plan/stream.h"

namespace octavo {

class Job {
 public:
  // After all jobs submitted before.
  static constexpr uint64_t kLast = UINT64_MAX;

  // Jobs start in the order of `arrival`, those of equal number in the order of submission. `threads` is the
  // number of threads that the job computes on.
  explicit Job(size_t threads, uint64_t arrival = kLast) : threads_(threads), arrival_(arrival) {}
  virtual ~Job() = default;
  virtual size_t threads() const { return threads_; }
  uint64_t arrival() const { return arrival_; }
  Clock::time_point created() const { return created_; }
  // Jobs of the same batch can be computed together; null if it cannot be computed with others.
  virtual const Batch* batch() const { return nullptr; }
  // How many samples of its batch it is.
  virtual size_t samples() const { return 1; }
  // Takes others of its batch along, `samples` with its own: work() and done() are theirs, too.
  virtual void take_along(std::vector<Job*> /*others*/, size_t /*samples*/) {}
  // On a worker.
  virtual void work(Stream& stream) = 0;
  // On the same worker right after, with work()'s exception or null. With this call the executor gives
  // up the job: its creator decides where it ends. The job no longer counts as running.
  virtual void done(std::exception_ptr error) noexcept = 0;

 private:
  const size_t threads_;
  const uint64_t arrival_;
  const Clock::time_point created_ = Clock::now();
};

class Executor {
 public:
  // Starts `streams` workers in a process that may use so many CPUs. Throws std::system_error if the system
  // refuses threads.
  Executor(size_t streams, size_t cpus);
  // Ends the workers; a running job is told to stop.
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  size_t streams() const { return streams_.size(); }
  // Whether there are CPUs enough for one who waits actively for a job.
  bool has_spare_cpu() const { return BusyThreads::fit(cpus_); }

  // Puts the job into the queue. Throws Failure once closed; the caller keeps a job that was
  // refused.
  void submit(Job* job);
  // Calls `work` on this thread, in place of a worker, which waits meanwhile. Returns false, and does
  // nothing, if a job runs or waits. Throws what `work` throws, and Failure once closed. For work
  // on one thread: a team of this thread's would count against the barriers of the workers' (see
  // Environment).
  bool run_here(const std::function<void(Stream&)>& work);
  // Removes the job with this number from the queue and returns it; null if it is not waiting.
  Job* withdraw(uint64_t arrival);
  // Accepts no more jobs and returns those that waited. Workers end when they have finished what they
  // run.
  std::deque<Job*> close();
  // Tells running jobs to stop at their next step.
  void abort() { aborting_.store(true, std::memory_order_relaxed); }
  const std::atomic<bool>& aborting() const { return aborting_; }
  // Waits for the workers to end. close() must have been called.
  void join();

 private:
  void serve(Stream& stream);
  // Waits for the next job; null when there will be none. `busy` counts the waiting threads.
  Job* next(ShortWaits& waits, BusyThreads& busy);
  // The first job that may start, with others of its batch: as many as one plan computes, in their order. Or
  // null, and in `until` when the next one may that waits for others. With the mutex held.
  Job* take(Clock::time_point& until);
  // Until when the jobs of this batch wait for others; nothing if they may start. With the mutex held.
  std::optional<Clock::time_point> held_until(const Batch& batch) const;
  // Waits without sleep until ready() or for a while, and says which. With the mutex held, as it is again
  // after.
  bool wait_actively(std::unique_lock<std::mutex>& lock, Clock::time_point since);
  // With the mutex held, after every change of what a worker waits for.
  void note_change();
  // With the mutex held.
  bool ready() const { return closed_ || (!queue_.empty() && !lent_); }

  const size_t cpus_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job*> queue_;       // by arrival
  Clock::time_point submitted_;  // of the latest job
  size_t running_ = 0;           // jobs
  size_t awake_ = 0;             // workers that wait actively
  bool lent_ = false;            // whether run_here() uses a stream
  bool closed_ = false;
  std::atomic<bool> ready_{false};  // what ready() was last, for those who do not hold the mutex
  std::atomic<bool> aborting_{false};
  std::vector<std::thread> workers_;
};

}  // namespace octavo
