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

bool ShortWaits::begin(Clock::time_point now) {
  if (average_ >= kActiveWait || now < resume_) return false;
  switches_ = involuntary_switches();
  return true;
}

void ShortWaits::end(Clock::time_point now, bool with_event) {
  if (with_event && involuntary_switches() == switches_) {
    pause_ = kFirstPause;
    return;
  }
  resume_ = now + pause_;
  pause_ = std::min<Clock::duration>(2 * pause_, kLongestPause);
}

void ShortWaits::record(Clock::duration wait) {
  average_ += (std::min<Clock::duration>(wait, kMost) - average_) / 4;
}

}  // namespace octavo
