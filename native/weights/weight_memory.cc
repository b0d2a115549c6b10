#include "weights/weight_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <mutex>

#include "weights/huge_pages.h"

namespace octavo {

namespace {
// Addresses that are reserved at once; memory is used only where they are written to.
constexpr size_t kRegion = size_t{64} << 20;
constexpr size_t kCacheLine = 64;

// Returns the pages that belong to the block alone to the system.
void give_back(void* block, size_t bytes) {
  static const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<uintptr_t>(block);
  const uintptr_t first = (begin + page - 1) / page * page, end = (begin + bytes) / page * page;
  if (first < end) madvise(reinterpret_cast<void*>(first), end - first, MADV_DONTNEED);
}

// A region that is allocated from its beginning to its end, once.
struct Region {
  std::shared_ptr<void> pages;
  size_t used = kRegion;
};
}  // namespace

std::shared_ptr<void> weight_memory(size_t bytes) {
  if (bytes >= kRegion) return huge_pages(bytes);
  bytes = std::max<size_t>(bytes, 1);
  static std::mutex mutex;
  // Never destroyed: a process may end while a thread still packs.
  static auto& current = *new Region;
  const std::lock_guard<std::mutex> lock(mutex);
  if (current.used + bytes > kRegion) current = {huge_pages(kRegion), 0};
  void* block = static_cast<char*>(current.pages.get()) + current.used;
  current.used += (bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
  // The region lives as long as one of its blocks.
  return std::shared_ptr<void>(block, [bytes, region = current.pages](void* b) { give_back(b, bytes); });
}

}  // namespace octavo
