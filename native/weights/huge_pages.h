// Memory that asks the system for huge pages: who walks through much of it waits less for page tables, and
// the processor's prefetching goes on where small pages would end.
#pragma once

#include <cstddef>
#include <memory>

namespace octavo {

constexpr size_t kHugePage = size_t{2} << 20;

// Memory on a huge page's boundary. What does not fill the last huge page lies in small ones, so that no more
// is taken than was asked for. Throws std::bad_alloc.
std::shared_ptr<void> huge_pages(size_t bytes);

}  // namespace octavo
