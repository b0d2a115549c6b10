#include "plan/executor.h"

#include <omp.h>
#include <pthread.h>
#include <signal.h>

#include <stdexcept>
#include <string>

namespace octavo {

Executor::Executor(size_t streams, size_t threads_per_stream)
    : streams_(streams), threads_per_stream_(threads_per_stream) {
  // Signals are the event loop's: workers, and the OpenMP threads they start, inherit a full mask.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    for (size_t i = 0; i < streams; i++) workers_.emplace_back([this, i] { serve(i); });
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    close();
    join();
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Executor::~Executor() {
  abort();
  close();
  join();
}

void Executor::submit(Job* job) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (closed_) throw std::runtime_error("the executor is disposed");
    queue_.push_back(job);
  }
  wake_.notify_one();
}

std::deque<Job*> Executor::close() {
  std::deque<Job*> waiting;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    waiting.swap(queue_);
  }
  wake_.notify_all();
  return waiting;
}

void Executor::join() {
  for (auto& worker : workers_)
    if (worker.joinable()) worker.join();
}

void Executor::serve(size_t index) {
  pthread_setname_np(pthread_self(), ("octavo-" + std::to_string(index)).c_str());
  // Of this thread alone: oneDNN divides work by it, when it makes a primitive and when it runs one.
  omp_set_num_threads(static_cast<int>(threads_per_stream_));
  Stream stream{index, {}};
  for (;;) {
    Job* job;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [this] { return closed_ || !queue_.empty(); });
      if (queue_.empty()) return;
      job = queue_.front();
      queue_.pop_front();
    }
    std::exception_ptr error;
    try {
      job->work(stream);
    } catch (...) {
      error = std::current_exception();
    }
    job->done(error);
  }
}

}  // namespace octavo
