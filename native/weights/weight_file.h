// A file that weights are read from whenever they are needed, so that they need not stay in memory.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <string>

namespace octavo {

class WeightFile {
 public:
  // Keeps a descriptor of its own: `descriptor` may be closed, the file renamed or deleted. `path` is for
  // messages. Throws std::runtime_error.
  WeightFile(int descriptor, std::string path);
  ~WeightFile();
  WeightFile(const WeightFile&) = delete;
  WeightFile& operator=(const WeightFile&) = delete;

  // Safe from several threads. Throws std::runtime_error where the file is shorter, cannot be read, or was
  // written to since it was opened.
  void read(size_t position, void* into, size_t bytes) const;

 private:
  struct stat status() const;

  std::string path_;
  int descriptor_;
  struct stat opened_;
};

}  // namespace octavo
