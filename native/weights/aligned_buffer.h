// Memory aligned to a cache line, which oneDNN's kernels prefer.
#pragma once

#include <cstddef>
#include <memory>

namespace octavo {

// Throws std::bad_alloc.
std::shared_ptr<void> aligned_buffer(size_t bytes);

}  // namespace octavo
