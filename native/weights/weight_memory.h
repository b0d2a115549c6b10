// Where packed weights live: side by side in huge pages, which most of them could not fill alone.
#pragma once

#include <cstddef>
#include <memory>

namespace octavo {

// Memory on a cache line's boundary, for as long as a model lives. It goes back to the system as soon as it
// is freed, whatever lies beside it. Safe from several threads. Throws std::bad_alloc.
std::shared_ptr<void> weight_memory(size_t bytes);

}  // namespace octavo
