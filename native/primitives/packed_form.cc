#include "primitives/packed_form.h"

#include <cstring>

#include "onednn/identity.h"
#include "onednn/version.h"

namespace octavo {

namespace {
// Raised whenever the same key comes to stand for other bytes: files of before are not used then.
constexpr int kPackingVersion = 1;
}  // namespace

std::string packing() { return onednn::build() + ", Octavo's packing " + std::to_string(kPackingVersion); }

std::string layout_key(const TensorDesc& desc) {
  std::string key = desc.to_string() + " by";
  for (const int64_t stride : desc.strides) key += " " + std::to_string(stride);
  return key;
}

std::string key_here(const std::string& written) {
  const size_t prefix = std::strlen(kReordered);
  if (written.compare(0, prefix, kReordered) != 0) return written;
  std::string key = kReordered;
  for (size_t begin = prefix, end; begin < written.size(); begin = end) {
    const size_t stop = written.find(';', begin);
    end = stop == std::string::npos ? written.size() : stop + 1;
    key += onednn::identity_here(written.substr(begin, end - begin));
  }
  return key;
}

}  // namespace octavo
