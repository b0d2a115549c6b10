// A model's own threads: workers that take jobs from one queue, in order of arrival.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "plan/stream.h"

namespace octavo {

class Job {
 public:
  // After all that came before.
  static constexpr uint64_t kLast = UINT64_MAX;

  // Jobs start in the order of `arrival`, those of equal number in the order in which they are submitted.
  explicit Job(uint64_t arrival = kLast) : arrival_(arrival) {}
  virtual ~Job() = default;
  uint64_t arrival() const { return arrival_; }
  // On a worker.
  virtual void work(Stream& stream) = 0;
  // On the same worker right after, with what work() threw or null. The executor gives up the job with this
  // call: the one who made it decides where it ends.
  virtual void done(std::exception_ptr error) noexcept = 0;

 private:
  const uint64_t arrival_;
};

class Executor {
 public:
  // Starts `streams` workers. Throws std::system_error when the threads cannot be had.
  explicit Executor(size_t streams);
  // Ends the workers; a running job is told to stop.
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  size_t streams() const { return streams_; }

  // Puts the job into the queue. Throws std::runtime_error once closed. The caller keeps a job that was
  // refused.
  void submit(Job* job);
  // Takes the job with this number back out of the queue; null when none waits there any more.
  Job* withdraw(uint64_t arrival);
  // No more jobs: gives back those that waited. Workers end when they have finished what they run.
  std::deque<Job*> close();
  // Tells running jobs to stop at their next step.
  void abort() { aborting_.store(true, std::memory_order_relaxed); }
  const std::atomic<bool>& aborting() const { return aborting_; }
  // Waits for the workers to end. close() must have been called.
  void join();

 private:
  void serve(size_t index);
  // The next job, as soon as there is one; null when there will be none.
  Job* next();

  const size_t streams_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job*> queue_;  // by arrival
  bool closed_ = false;
  std::atomic<bool> aborting_{false};
  std::vector<std::thread> workers_;
};

}  // namespace octavo
