#include "plan/arena.h"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

namespace octavo {

namespace {
constexpr size_t kCacheLine = 64;
constexpr size_t kHugePage = size_t{2} << 20;
}  // namespace

Arena::~Arena() { std::free(block_); }

void* Arena::reserve(size_t bytes) {
  if (bytes <= bytes_) return block_;
  std::free(block_);
  block_ = nullptr;
  bytes_ = 0;
  // Activations are walked from end to end: huge pages spare most of the page-table walks.
  const size_t alignment = bytes >= kHugePage ? kHugePage : kCacheLine;
  const size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  block_ = std::aligned_alloc(alignment, rounded);
  if (!block_) throw std::bad_alloc();
  bytes_ = rounded;
  if (alignment == kHugePage) madvise(block_, rounded, MADV_HUGEPAGE);
  return block_;
}

}  // namespace octavo
