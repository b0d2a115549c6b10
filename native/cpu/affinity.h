// The CPUs that a thread may use. What it starts inherits them: threads, and processes with all theirs.
#pragma once

#include <cstddef>
#include <vector>

namespace octavo::cpu {

// Binds the calling thread. Throws std::system_error where the kernel allows none of `cpus`, and
// std::invalid_argument for a number beyond what a set can hold.
void bind_thread(const std::vector<size_t>& cpus);

}  // namespace octavo::cpu
