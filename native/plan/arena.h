// The memory that consecutive runs compute in: one block, reused by every plan.
#pragma once

#include <cstddef>
#include <memory>

namespace octavo {

class Arena {
 public:
  // A block of at least `bytes`, aligned to cache lines. Its contents are lost when it has to grow.
  // Throws std::bad_alloc.
  void* reserve(size_t bytes);

 private:
  std::shared_ptr<void> memory_;
  size_t bytes_ = 0;
};

}  // namespace octavo
