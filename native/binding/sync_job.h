// A job whose maker waits for it on its own thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>

#include "plan/executor.h"

namespace octavo::binding {

class SyncJob : public Job {
 public:
  SyncJob(size_t threads, std::function<void(Stream&)> body) : Job(threads), body_(std::move(body)) {}

  void work(Stream& stream) override { body_(stream); }
  void done(std::exception_ptr error) noexcept override {
    const std::lock_guard<std::mutex> lock(mutex_);
    error_ = error;
    finished_ = true;
    condition_.notify_one();
  }
  void wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    condition_.wait(lock, [this] { return finished_; });
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::function<void(Stream&)> body_;
  std::mutex mutex_;
  std::condition_variable condition_;
  std::exception_ptr error_;
  bool finished_ = false;
};

}  // namespace octavo::binding
