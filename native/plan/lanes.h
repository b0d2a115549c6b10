// Threads in addition to a worker, for parts that are computed at the same time. To OpenMP each is the
// first of a team of its own, so that its steps share nothing with those of another.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace octavo {

class Lanes {
 public:
  Lanes() = default;
  ~Lanes();
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;

  // Calls work(lane) for the lanes below `count` at once, lane 0 on the calling thread, and returns when all
  // have ended that began before lane 0 ended: where others have the CPU that a lane waits for, nobody waits
  // for the lane. So each must take its share of the work from what is left. Threads are started when they
  // are first needed; if the system refuses some, fewer lanes work. `work` must not throw.
  void run(size_t count, const std::function<void(size_t)>& work);

 private:
  void serve(size_t lane);

  std::mutex mutex_;
  std::condition_variable wake_, finished_;
  const std::function<void(size_t)>* work_ = nullptr;
  uint64_t turn_ = 0;  // counts calls of run(), so that no lane joins one twice
  size_t count_ = 0;   // lanes that may begin
  size_t busy_ = 0;    // that have begun, without lane 0
  bool closed_ = false;
  std::vector<std::thread> threads_;  // of lanes 1 and up
};

}  // namespace octavo
