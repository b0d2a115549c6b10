#include "plan/lanes.h"

#include <system_error>

namespace octavo {

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
    busy_ = count - 1;
    turn_++;
  }
  if (count > 1) wake_.notify_all();
  work(0);
  std::unique_lock<std::mutex> lock(mutex_);
  finished_.wait(lock, [this] { return busy_ == 0; });
}

void Lanes::serve(size_t lane) {
  uint64_t done = 0;
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    wake_.wait(lock, [&] { return closed_ || (turn_ != done && lane < count_); });
    if (closed_) return;
    done = turn_;
    const auto& work = *work_;
    lock.unlock();
    work(lane);
    lock.lock();
    if (--busy_ == 0) finished_.notify_one();
  }
}

}  // namespace octavo
