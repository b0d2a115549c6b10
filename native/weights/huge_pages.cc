#include "weights/huge_pages.h"

#include <sys/mman.h>

#include <new>

namespace octavo {

std::shared_ptr<void> huge_pages(size_t bytes) {
  // The system does not align to such a boundary by itself. Memory before it is never touched and costs
  // nothing.
  const size_t mapped = bytes + kHugePage;
  void* mapping = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) throw std::bad_alloc();
  void* pages = mapping;
  size_t space = mapped;
  std::align(kHugePage, bytes, pages, space);
  // This is advice: without huge pages there are small ones.
  madvise(pages, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
  return std::shared_ptr<void>(pages, [mapping, mapped](void*) { munmap(mapping, mapped); });
}

}  // namespace octavo
