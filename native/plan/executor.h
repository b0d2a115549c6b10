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
  // After all jobs submitted before.
  static constexpr uint64_t kLast = UINT64_MAX;

  // Jobs start in the order of `arrival`, those of equal number in the order of submission.
  explicit Job(uint64_t arrival = kLast) : arrival_(arrival) {}
  virtual ~Job() = default;
  uint64_t arrival() const { return arrival_; }
  // On a worker.
  virtual void work(Stream& stream) = 0;
  // On the same worker right after, with work()'s exception or null. With this call the executor gives
  // up the job: its creator decides where it ends.
  virtual void done(std::exception_ptr error) noexcept = 0;

 private:
  const uint64_t arrival_;
};

class Executor {
 public:
  // Starts `streams` workers. Throws std::system_error if the system refuses threads.
  explicit Executor(size_t streams);
  // Ends the workers; a running job is told to stop.
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  size_t streams() const { return streams_; }

  // Puts the job into the queue. Throws std::runtime_error once closed; the caller keeps a job that was
  // refused.
  void submit(Job* job);
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
  void serve(size_t index);
  // Waits for the next job; null when there will be none.
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
