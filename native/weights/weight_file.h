// A file that weights are read from when they are needed, so that they need not stay in memory.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <string>

namespace octavo {

class WeightFile {
 public:
  // Duplicates the descriptor: afterwards `descriptor` may be closed and the file renamed or deleted.
  // `path` is for messages. Throws std::runtime_error.
  WeightFile(int descriptor, std::string path);
  ~WeightFile();
  WeightFile(const WeightFile&) = delete;
  WeightFile& operator=(const WeightFile&) = delete;

  // Safe from several threads. Throws std::runtime_error if the file is shorter, cannot be read, or was
  // written to since it was opened.
  void read(size_t position, void* into, size_t bytes) const;

 private:
  struct stat status() const;

  std::string path_;
  int descriptor_;
  struct stat opened_;
};

}  // namespace octavo
