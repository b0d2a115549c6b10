// Memory on a cache line's boundary, as oneDNN's kernels like it.
#pragma once

#include <cstddef>
#include <memory>

namespace octavo {

// Throws std::bad_alloc.
std::shared_ptr<void> aligned_buffer(size_t bytes);

}  // namespace octavo
