// What runs of plans took, summed up for as long as a model lives.
#pragma once

#include <napi.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>

#include "plan/active_wait.h"

namespace octavo::binding {

inline double nanoseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::nano>(duration).count();
}

// When a worker took a request, and what it took to compute it: alone, or with others of its batch.
struct RunTiming {
  Clock::time_point started;
  // To gather the inputs of a batch, to run its plan, to hand out its outputs. A request alone is computed in
  // place.
  Clock::duration input{}, infer{}, output{};
};

// All on the JavaScript thread, except begun().
class RunStatistics {
 public:
  // So many requests are computed from now on.
  void begun(size_t requests) { begun_.fetch_add(requests, std::memory_order_relaxed); }
  // One that had begun is settled.
  void settled() { settled_++; }
  // A request of so many samples was computed, `together` of them at once. `leads` is true for one of those
  // that were computed at once.
  void computed(const RunTiming& timing, Clock::duration queued, size_t samples, size_t together, bool leads);
  // See NativeRunStatistics.
  Napi::Object to_object(Napi::Env env) const;

 private:
  struct Durations {
    uint64_t count = 0;
    Clock::duration input{}, infer{}, output{};

    void add(const RunTiming& timing);
  };

  // Clients choose how many samples a request has: no more sizes of batches are told apart.
  static constexpr size_t kLargestTold = 1024;

  std::atomic<uint64_t> begun_{0};
  uint64_t settled_ = 0, samples_ = 0, executions_ = 0;
  Clock::duration queued_{};
  Durations requests_;
  std::map<size_t, Durations> batches_;  // by their samples
};

}  // namespace octavo::binding
