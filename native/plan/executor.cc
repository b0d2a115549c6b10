#include "plan/executor.h"

#include <omp.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <string>
#include <utility>

#include "contract/failure.h"

namespace octavo {

namespace {
// A worker without work releases its OpenMP threads after this time. The next job starts new ones, which
// costs some 50 microseconds. Threads that are kept would count against the barriers of others (see
// Environment).
constexpr std::chrono::seconds kIdle{1};
}  // namespace

// Nobody waits actively on a single CPU, nor where threads are bound to CPUs: they would keep others from
// their own, however many are free.
Executor::Executor(size_t streams, size_t cpus)
    : cpus_(cpus > 1 && omp_get_proc_bind() == omp_proc_bind_false ? cpus : 0) {
  while (streams_.size() < streams) streams_.push_back(std::make_unique<Stream>(streams_.size()));
  // Signals belong to the event loop: workers, and the OpenMP threads they start, inherit a full mask.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    for (auto& stream : streams_) workers_.emplace_back([this, &stream] { serve(*stream); });
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

void Executor::note_change() { ready_.store(ready(), std::memory_order_relaxed); }

void Executor::submit(Job* job) {
  bool wake;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (closed_) throw Failure(Cause::disposed, "the executor is disposed");
    const auto later = [](uint64_t arrival, const Job* other) { return arrival < other->arrival(); };
    queue_.insert(std::upper_bound(queue_.begin(), queue_.end(), job->arrival(), later), job);
    submitted_ = Clock::now();
    note_change();
    // Each worker that is awake looks at the queue, with the mutex held, before it takes to sleep.
    wake = queue_.size() > awake_;
  }
  if (wake) wake_.notify_one();
}

bool Executor::run_here(const std::function<void(Stream&)>& work) {
  {
    // The mutex also orders the use of the stream: after a worker's last one, and before its next one.
    const std::lock_guard<std::mutex> lock(mutex_);
    if (closed_) throw Failure(Cause::disposed, "the executor is disposed");
    if (!queue_.empty() || running_ > 0 || lent_) return false;
    lent_ = true;
  }
  // Plans set the thread count of the thread that runs them. This one has other work as well.
  const int threads = omp_get_max_threads();
  const auto give_back = [&] {
    omp_set_num_threads(threads);
    const std::lock_guard<std::mutex> lock(mutex_);
    lent_ = false;
    note_change();
    if (!queue_.empty()) wake_.notify_all();
  };
  try {
    work(*streams_.front());
  } catch (...) {
    give_back();
    throw;
  }
  give_back();
  return true;
}

Job* Executor::withdraw(uint64_t arrival) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found =
      std::find_if(queue_.begin(), queue_.end(), [&](const Job* job) { return job->arrival() == arrival; });
  if (found == queue_.end()) return nullptr;
  Job* job = *found;
  queue_.erase(found);
  note_change();
  return job;
}

std::deque<Job*> Executor::close() {
  std::deque<Job*> waiting;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    waiting.swap(queue_);
    note_change();
  }
  wake_.notify_all();
  return waiting;
}

void Executor::join() {
  for (auto& worker : workers_)
    if (worker.joinable()) worker.join();
  for (auto& stream : streams_) stream.reset();  // and with it threads of its own
}

bool Executor::wait_actively(std::unique_lock<std::mutex>& lock, Clock::time_point since) {
  awake_++;
  while (!ready()) {
    lock.unlock();
    bool go_on;
    do {
      pause();
      go_on = Clock::now() - since < kActiveWait && has_spare_cpu();
    } while (go_on && !ready_.load(std::memory_order_relaxed));
    lock.lock();
    // Another may have taken the job: then there is time left to wait for the next one.
    if (!go_on) break;
  }
  awake_--;
  return ready();
}

Job* Executor::next(ShortWaits& waits, BusyThreads& busy) {
  std::unique_lock<std::mutex> lock(mutex_);
  const auto since = Clock::now();
  if (!ready() && has_spare_cpu() && waits.begin(since)) {
    const bool with_event = wait_actively(lock, since);
    waits.end(Clock::now(), with_event);
  }
  busy.set(0);
  const auto is_ready = [this] { return ready(); };
  Job* job = nullptr;
  while (!job) {
    if (!wake_.wait_for(lock, kIdle, is_ready)) {
      lock.unlock();
      omp_pause_resource_all(omp_pause_hard);
      lock.lock();
      wake_.wait(lock, is_ready);
    }
    if (queue_.empty()) return nullptr;
    Clock::time_point until = Clock::time_point::max();
    job = take(until);
    if (!job) wake_.wait_until(lock, until);
  }
  note_change();
  running_++;
  waits.record(std::max(submitted_ - since, Clock::duration::zero()));
  return job;
}

std::optional<Clock::time_point> Executor::held_until(const Batch& batch) const {
  const size_t largest = batch.largest();
  if (batch.delay() == Clock::duration::zero() || largest == 0) return std::nullopt;
  size_t waiting = 0;
  auto oldest = Clock::time_point::max();
  for (const Job* job : queue_) {
    if (job->batch() != &batch) continue;
    waiting += job->samples();
    oldest = std::min(oldest, job->created());
  }
  const auto until = oldest + batch.delay();
  const bool goes = waiting >= std::min(batch.enough(), largest) || Clock::now() >= until;
  return goes ? std::nullopt : std::make_optional(until);
}

Job* Executor::take(Clock::time_point& until) {
  std::vector<const Batch*> held;
  for (auto first = queue_.begin(); first != queue_.end(); ++first) {
    Job* job = *first;
    const auto* batch = job->batch();
    if (!batch) {
      queue_.erase(first);
      return job;
    }
    if (std::find(held.begin(), held.end(), batch) != held.end()) continue;
    if (const auto time = held_until(*batch)) {
      held.push_back(batch);
      until = std::min(until, *time);
      continue;
    }
    size_t samples = job->samples(), sum = samples;
    std::vector<Job*> others, more;
    for (auto other = std::next(first); other != queue_.end(); ++other) {
      if ((*other)->batch() != batch) continue;
      sum += (*other)->samples();
      if (sum > batch->most()) break;
      more.push_back(*other);
      if (!batch->computes(sum)) continue;
      others = more;
      samples = sum;
    }
    queue_.erase(first);
    for (Job* other : others) queue_.erase(std::find(queue_.begin(), queue_.end(), other));
    if (!others.empty()) job->take_along(std::move(others), samples);
    return job;
  }
  return nullptr;
}

void Executor::serve(Stream& stream) {
  pthread_setname_np(pthread_self(), ("octavo-" + std::to_string(stream.index)).c_str());
  ShortWaits waits;
  BusyThreads busy;
  while (Job* job = next(waits, busy)) {
    busy.set(job->threads());
    std::exception_ptr error;
    try {
      job->work(stream);
    } catch (...) {
      error = std::current_exception();
    }
    {
      // Before the job's end is known: who hears of it may want to run the next one on its own thread.
      const std::lock_guard<std::mutex> lock(mutex_);
      running_--;
    }
    job->done(error);
  }
}

}  // namespace octavo
