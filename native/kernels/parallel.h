// Splitting loops over the calling thread's OpenMP team.
#pragma once

#include <cstdint>

namespace octavo::kernels {

// Below this many bytes touched, waking other threads costs more than it saves.
constexpr int64_t kParallelBytes = 64 * 1024;

// Calls body(i) for 0 <= i < count, in parallel when `bytes` of work in all are worth it.
template <typename Body>
void parallel_for(int64_t count, int64_t bytes, const Body& body) {
  if (count <= 1 || bytes < kParallelBytes) {
    for (int64_t i = 0; i < count; i++) body(i);
    return;
  }
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < count; i++) body(i);
}

}  // namespace octavo::kernels
