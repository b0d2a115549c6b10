// The checksum of zip archives (CRC-32), by carry-less multiplication: weights are verified as they are read,
// at the speed of memory.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octavo {

// Of `bytes` bytes that follow those whose checksum is `before`, 0 at the beginning.
uint32_t crc32(const void* data, size_t bytes, uint32_t before = 0);

}  // namespace octavo
