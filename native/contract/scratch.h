// Lays out what a step needs beside its operands in one scratchpad.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octavo {

class ScratchLayout {
 public:
  // Reserves `bytes`, aligned to a cache line, and says where.
  size_t reserve(size_t bytes) {
    const size_t offset = bytes_;
    bytes_ += (bytes + 63) / 64 * 64;
    return offset;
  }
  size_t bytes() const { return bytes_; }

  static void* at(void* scratchpad, size_t offset) { return static_cast<uint8_t*>(scratchpad) + offset; }

 private:
  size_t bytes_ = 0;
};

}  // namespace octavo
