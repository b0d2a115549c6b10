#include "plan/lanes.h"

#include <omp.h>
#include <pthread.h>
#include <sched.h>

#include <string>
#include <system_error>

namespace octavo {

namespace {
// If OpenMP binds threads to places (OMP_PROC_BIND, GOMP_CPU_AFFINITY), the worker is bound to its own,
// and threads that it starts inherit that. A lane therefore moves to the next place, as OpenMP's own
// threads do.
void bind_to_place(size_t lane) {
  const int places = omp_get_proc_bind() == omp_proc_bind_false ? 0 : omp_get_num_places();
  if (places < 1) return;
  const int place = static_cast<int>(lane % static_cast<size_t>(places));
  std::vector<int> cpus(static_cast<size_t>(omp_get_place_num_procs(place)));
  // In a region: libgomp binds a thread to the first place when it starts its first one, and never
  // again.
#pragma omp parallel num_threads(1)
  omp_get_place_proc_ids(place, cpus.data());
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus)
    if (cpu >= 0 && cpu < CPU_SETSIZE) CPU_SET(cpu, &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}
}  // namespace

Lanes::~Lanes() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void Lanes::run(size_t count, const std::function<void(size_t)>& work) {
  try {
    while (threads_.size() + 1 < count)
      threads_.emplace_back([this, lane = threads_.size() + 1] { serve(lane); });
  } catch (const std::system_error&) {
    count = threads_.size() + 1;
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    work_ = &work;
    count_ = count;
    turn_++;
  }
  if (count > 1) wake_.notify_all();
  work(0);
  std::unique_lock<std::mutex> lock(mutex_);
  count_ = 0;
  finished_.wait(lock, [this] { return busy_ == 0; });
}

void Lanes::serve(size_t lane) {
  pthread_setname_np(pthread_self(), ("octavo-lane-" + std::to_string(lane)).c_str());
  bind_to_place(lane);
  uint64_t done = 0;
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    wake_.wait(lock, [&] { return closed_ || (turn_ != done && lane < count_); });
    if (closed_) return;
    done = turn_;
    busy_++;
    const auto& work = *work_;
    lock.unlock();
    work(lane);
    lock.lock();
    if (--busy_ == 0) finished_.notify_one();
  }
}

}  // namespace octavo
