// Jobs that can be computed together: requests of one model, for samples of one shape.
#pragma once

#include <cstddef>

#include "plan/active_wait.h"

namespace octavo {

class Batch {
 public:
  // A batch never has more than `most` samples. A job waits up to `delay` for others, until there are
  // `enough`.
  Batch(size_t most, size_t enough, Clock::duration delay) : most_(most), enough_(enough), delay_(delay) {}
  virtual ~Batch() = default;

  size_t most() const { return most_; }
  Clock::duration delay() const { return delay_; }
  size_t enough() const { return enough_; }
  // Whether there is a plan for so many samples. On any thread.
  virtual bool computes(size_t samples) const = 0;
  // The most samples that there is a plan for; 0 if there is none. On any thread.
  virtual size_t largest() const = 0;

 private:
  const size_t most_, enough_;
  const Clock::duration delay_;
};

}  // namespace octavo
