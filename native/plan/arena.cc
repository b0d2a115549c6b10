#include "plan/arena.h"

#include <sys/mman.h>

#include "primitives/aligned_buffer.h"

namespace octavo {

namespace {
constexpr size_t kHugePage = size_t{2} << 20;
}  // namespace

void* Arena::reserve(size_t bytes) {
  if (bytes <= bytes_) return block_;
  memory_.reset();
  block_ = nullptr;
  bytes_ = 0;
  if (bytes < kHugePage) {
    memory_ = aligned_buffer(bytes);
    block_ = memory_.get();
  } else {
    // Activations are walked from end to end: huge pages spare most of the page-table walks. What lies before
    // the first of them is never touched, and what they would reach beyond the end stays in small pages:
    // neither takes memory.
    size_t space = bytes + kHugePage;
    memory_ = aligned_buffer(space);
    block_ = memory_.get();
    std::align(kHugePage, bytes, block_, space);
    madvise(block_, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
  }
  bytes_ = bytes;
  return block_;
}

}  // namespace octavo
