// Waiting without going to sleep. To wake a thread takes tens of microseconds, and more on a CPU that went to
// sleep with it: longer than a small network computes. So who waits for something that is expected soon stays
// awake for a while, where the process has a CPU to spare.
//
// Nothing here carries data from thread to thread, so all of it is relaxed: a stale value makes a thread wait
// in the other way for once. What is waited for is guarded by a mutex of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>

namespace octavo {

using Clock = std::chrono::steady_clock;

// The longest active wait: a few times what it saves.
constexpr std::chrono::microseconds kActiveWait{300};

// One thread's waits for the same kind of event: says by those before whether to stay awake for the next one.
class ShortWaits {
 public:
  // Whether to stay awake for the one that begins now: by a running average it is likely to be short.
  bool begin(Clock::time_point now);
  // How an active one ended: with the event, or in vain. In vain also where the kernel gave the CPU to
  // another thread meanwhile. The CPUs may be busy with others' work, perhaps even with the work that is
  // waited for, and then this thread only stands in the way. It sleeps for a while: each time for twice as
  // long.
  void end(Clock::time_point now, bool with_event);
  // How long one took, awake or asleep.
  void record(Clock::duration wait);

 private:
  static constexpr std::chrono::microseconds kMost{2 * kActiveWait};
  static constexpr std::chrono::milliseconds kFirstPause{10}, kLongestPause{640};

  Clock::duration average_{kMost}, pause_{kFirstPause};
  Clock::time_point resume_{};
  long switches_ = 0;  // involuntary ones of this thread, when the active wait began
};

// The threads of this process that compute or wait actively. An event loop counts as one as long as it
// exists: it has to find a CPU whenever something happens.
class BusyThreads {
 public:
  explicit BusyThreads(size_t count = 0) { set(count); }
  ~BusyThreads() { set(0); }
  BusyThreads(const BusyThreads&) = delete;
  BusyThreads& operator=(const BusyThreads&) = delete;

  void set(size_t count) {
    // Modulo 2^64, as unsigned sums are: a smaller count subtracts.
    total_.fetch_add(count - count_, std::memory_order_relaxed);
    count_ = count;
  }
  // Whether so many CPUs are enough for all of them.
  static bool fit(size_t cpus) { return total_.load(std::memory_order_relaxed) <= cpus; }

 private:
  static inline std::atomic<size_t> total_{0};
  size_t count_ = 0;
};

// Tells the processor that a loop waits: it saves power, and leaves the core to its other hyper-thread.
inline void pause() { __builtin_ia32_pause(); }

}  // namespace octavo
