// The memory a stream's runs compute in: one block, reused by every plan that runs there.
#pragma once

#include <cstddef>

namespace octavo {

class Arena {
 public:
  Arena() = default;
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // A block of at least `bytes`, aligned to cache lines. What it held before is lost when it has to grow.
  // Throws std::bad_alloc.
  void* reserve(size_t bytes);

 private:
  void* block_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace octavo
