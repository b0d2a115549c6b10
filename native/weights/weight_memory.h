// Where packed weights are stored: adjacent in huge pages, which most of them could not fill alone.
#pragma once

#include <cstddef>
#include <memory>

namespace octavo {

// Memory aligned to a cache line, for as long as a model lives. It returns to the system as soon as it
// is freed, regardless of its neighbours. Safe from several threads. Throws std::bad_alloc.
std::shared_ptr<void> weight_memory(size_t bytes);

}  // namespace octavo
