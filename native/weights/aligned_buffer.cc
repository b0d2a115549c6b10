#include "weights/aligned_buffer.h"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

#include "weights/huge_pages.h"

namespace octavo {

namespace {
constexpr size_t kCacheLine = 64;
// Blocks of this size or more come from the system and return to it as soon as they are freed. The
// allocator would keep a freed weight for later, behind smaller blocks that are still in use.
constexpr size_t kOwnPages = size_t{64} << 10;

// So many bytes are there sooner in huge pages.
constexpr size_t kManyPages = 2 * kHugePage;

size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }
}  // namespace

std::shared_ptr<void> aligned_buffer(size_t bytes) {
  if (bytes >= kManyPages) return huge_pages(bytes);
  if (bytes >= kOwnPages) {
    void* pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) throw std::bad_alloc();
    return std::shared_ptr<void>(pages, [bytes](void* pointer) { munmap(pointer, bytes); });
  }
  void* pointer = std::aligned_alloc(kCacheLine, bytes ? round_up(bytes, kCacheLine) : kCacheLine);
  if (!pointer) throw std::bad_alloc();
  return std::shared_ptr<void>(pointer, std::free);
}

}  // namespace octavo
