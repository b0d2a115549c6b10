// Runs work on the calling thread alone.
#pragma once

#include <omp.h>

namespace octavo::kernels {

// During its lifetime parallel regions of this thread have one thread: for work that several threads do
// at once, each by itself.
class SingleThread {
 public:
  SingleThread() : threads_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~SingleThread() { omp_set_num_threads(threads_); }
  SingleThread(const SingleThread&) = delete;
  SingleThread& operator=(const SingleThread&) = delete;

 private:
  int threads_;
};

}  // namespace octavo::kernels
