#include "plan/executor.h"

#include <omp.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>

namespace octavo {

namespace {
// A worker without work releases its OpenMP threads after this time. The next job starts new ones, which
// costs some 50 microseconds. Threads that are kept would count against the barriers of others (see
// Environment).
constexpr std::chrono::seconds kIdle{1};
}  // namespace

Executor::Executor(size_t streams) : streams_(streams) {
  // Signals belong to the event loop: workers, and the OpenMP threads they start, inherit a full mask.
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
    const auto later = [](uint64_t arrival, const Job* other) { return arrival < other->arrival(); };
    queue_.insert(std::upper_bound(queue_.begin(), queue_.end(), job->arrival(), later), job);
  }
  wake_.notify_one();
}

Job* Executor::withdraw(uint64_t arrival) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found =
      std::find_if(queue_.begin(), queue_.end(), [&](const Job* job) { return job->arrival() == arrival; });
  if (found == queue_.end()) return nullptr;
  Job* job = *found;
  queue_.erase(found);
  return job;
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

Job* Executor::next() {
  std::unique_lock<std::mutex> lock(mutex_);
  const auto ready = [this] { return closed_ || !queue_.empty(); };
  if (!wake_.wait_for(lock, kIdle, ready)) {
    lock.unlock();
    omp_pause_resource_all(omp_pause_hard);
    lock.lock();
    wake_.wait(lock, ready);
  }
  if (queue_.empty()) return nullptr;
  Job* job = queue_.front();
  queue_.pop_front();
  return job;
}

void Executor::serve(size_t index) {
  pthread_setname_np(pthread_self(), ("octavo-" + std::to_string(index)).c_str());
  Stream stream(index);
  while (Job* job = next()) {
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
