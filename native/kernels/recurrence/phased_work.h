// Work in short phases, each of the same parts, which all have to be done before the next phase begins: steps
// of a recurrent layer. A thread begins with parts of its own, whose weights are in its cache. Whatever it
// has not begun, others take: it may come late, or another process may have its CPU.
#pragma once

#include <immintrin.h>
#include <sched.h>

#include <atomic>
#include <cstdint>
#include <vector>

namespace octavo::kernels {

class PhasedWork {
 public:
  explicit PhasedWork(int64_t parts) : parts_(parts), claimed_(static_cast<size_t>(parts)) {}

  // Before each run, while no thread is in it.
  void reset(int64_t phases) {
    phases_ = phases;
    done_.store(0, std::memory_order_relaxed);
    for (Claim& claim : claimed_) claim.phases.store(0, std::memory_order_relaxed);
  }

  // Calls compute(phase, part) until all is done, beginning each phase with part `first`. What was computed
  // in the phases before, by any thread, is visible to it.
  template <class Compute>
  void run(int64_t first, const Compute& compute) {
    for (;;) {
      const int64_t phase = done_.load(std::memory_order_acquire) / parts_;
      if (phase >= phases_) return;
      bool has_computed = false;
      for (int64_t i = 0; i < parts_; i++) {
        const int64_t part = (first + i) % parts_;
        if (!claim(part, phase)) continue;
        compute(phase, part);
        done_.fetch_add(1, std::memory_order_acq_rel);
        has_computed = true;
      }
      if (!has_computed) wait_after(phase);
    }
  }

 private:
  // Some microseconds; then whoever is waited for may need this CPU.
  static constexpr int kSpins = 100;

  struct alignas(64) Claim {
    std::atomic<int64_t> phases{0};  // that were begun
  };

  bool claim(int64_t part, int64_t phase) {
    auto& phases = claimed_[static_cast<size_t>(part)].phases;
    return phases.load(std::memory_order_relaxed) == phase &&
           phases.compare_exchange_strong(phase, phase + 1, std::memory_order_acq_rel);
  }

  void wait_after(int64_t phase) const {
    for (int spins = 0; done_.load(std::memory_order_acquire) / parts_ == phase; spins++)
      spins < kSpins ? _mm_pause() : static_cast<void>(sched_yield());
  }

  int64_t parts_, phases_ = 0;
  std::vector<Claim> claimed_;
  alignas(64) std::atomic<int64_t> done_{0};
};

}  // namespace octavo::kernels
