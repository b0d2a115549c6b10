// A file that weights are read from when they are needed, so that they need not stay in memory.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace octavo {

// What bytes in a file have to be: their CRC-32, and what messages call them.
struct Checksum {
  uint32_t crc32;
  std::string name;
};

class WeightFile {
 public:
  // Duplicates the descriptor: afterwards `descriptor` may be closed and the file renamed or deleted.
  // `path` is for messages. Throws std::runtime_error.
  WeightFile(int descriptor, std::string path);
  ~WeightFile();
  WeightFile(const WeightFile&) = delete;
  WeightFile& operator=(const WeightFile&) = delete;

  // Safe from several threads. Throws std::runtime_error if the file is shorter, cannot be read, or was
  // written to since it was opened, and if the bytes are not those of `expected`, which may be null.
  void read(size_t position, void* into, size_t bytes, const Checksum* expected = nullptr) const;

 private:
  struct stat status() const;

  std::string path_;
  int descriptor_;
  struct stat opened_;
};

}  // namespace octavo
