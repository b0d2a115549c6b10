#include "plan/active_wait.h"

#include <sys/resource.h>

#include <algorithm>

namespace octavo {

namespace {
// How often the kernel has taken the CPU from this thread.
long involuntary_switches() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nivcsw;
}
}  // namespace

void ShortWaits::record(Clock::duration wait) {
  average_ += (std::min<Clock::duration>(wait, kMost) - average_) / 4;
}

void ShortWaits::ended(Clock::time_point now, bool with_event) {
  const long switches = involuntary_switches();
  const bool undisturbed = switches == switches_;
  switches_ = switches;
  if (with_event && undisturbed) {
    pause_ = kFirstPause;
    return;
  }
  resume_ = now + pause_;
  pause_ = std::min<Clock::duration>(2 * pause_, kLongestPause);
}

}  // namespace octavo
