#include "primitives/aligned_buffer.h"

#include <cstdlib>
#include <new>

namespace octavo {

std::shared_ptr<void> aligned_buffer(size_t bytes) {
  constexpr size_t kCacheLine = 64;
  const size_t rounded = (bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
  void* pointer = std::aligned_alloc(kCacheLine, rounded ? rounded : kCacheLine);
  if (!pointer) throw std::bad_alloc();
  return std::shared_ptr<void>(pointer, std::free);
}

}  // namespace octavo
