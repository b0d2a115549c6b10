#include "weights/weight_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <stdexcept>
#include <system_error>

#include "weights/checksum.h"

namespace octavo {

namespace {
// Read and verified at a time, while it is in the cache.
constexpr size_t kVerified = size_t{256} << 10;

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw std::runtime_error("weights of " + path + " cannot be read: " + why);
}
std::string reason() { return std::generic_category().message(errno); }
}  // namespace

WeightFile::WeightFile(int descriptor, std::string path)
    : path_(std::move(path)), descriptor_(fcntl(descriptor, F_DUPFD_CLOEXEC, 0)) {
  if (descriptor_ < 0) refuse(path_, reason());
  opened_ = status();
}

WeightFile::~WeightFile() { close(descriptor_); }

struct stat WeightFile::status() const {
  struct stat now;
  if (fstat(descriptor_, &now) != 0) refuse(path_, reason());
  return now;
}

void WeightFile::read(size_t position, void* into, size_t bytes, const Checksum* expected) const {
  auto* target = static_cast<uint8_t*>(into);
  size_t done = 0;
  uint32_t sum = 0;
  while (done < bytes) {
    const size_t count = expected ? std::min(bytes - done, kVerified) : bytes - done;
    const ssize_t got = pread(descriptor_, target + done, count, static_cast<off_t>(position + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) refuse(path_, reason());
    if (got == 0) refuse(path_, "the file ends before them; it was changed after the model was loaded");
    if (expected) sum = crc32(target + done, static_cast<size_t>(got), sum);
    done += static_cast<size_t>(got);
  }
  // Checked after the read, so that a write during it counts as well.
  const auto now = status();
  if (now.st_size != opened_.st_size || now.st_mtim.tv_sec != opened_.st_mtim.tv_sec ||
      now.st_mtim.tv_nsec != opened_.st_mtim.tv_nsec)
    refuse(path_, "the file was changed after the model was loaded; load it again");
  if (expected && sum != expected->crc32)
    refuse(path_, expected->name + " is damaged: its checksum does not match");
}

}  // namespace octavo
