// Memory that asks the system for huge pages. Loops over much of it wait less for page tables, and the
// processor continues to prefetch where small pages would end.
#pragma once

#include <cstddef>
#include <memory>

namespace octavo {

constexpr size_t kHugePage = size_t{2} << 20;

// Memory on the boundary of a huge page. The remainder that does not fill one is in small pages, so that
// no more memory is used than requested. Throws std::bad_alloc.
std::shared_ptr<void> huge_pages(size_t bytes);

}  // namespace octavo
