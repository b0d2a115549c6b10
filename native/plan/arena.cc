#include "plan/arena.h"

#include "weights/aligned_buffer.h"
#include "weights/huge_pages.h"

namespace octavo {

void* Arena::reserve(size_t bytes) {
  if (bytes <= bytes_) return memory_.get();
  memory_.reset();
  bytes_ = 0;
  // Activations are walked from end to end.
  memory_ = bytes < kHugePage ? aligned_buffer(bytes) : huge_pages(bytes);
  bytes_ = bytes;
  return memory_.get();
}

}  // namespace octavo
