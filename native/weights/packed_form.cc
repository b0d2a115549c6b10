#include "weights/packed_form.h"

#include "onednn/version.h"

namespace octavo {

namespace {
// Raised whenever the same key comes to stand for other bytes. Packed weights in older files are then
// ignored.
constexpr int kPackingVersion = 1;
}  // namespace

std::string packing() { return onednn::build() + ", Octavo's packing " + std::to_string(kPackingVersion); }

std::string layout_key(const TensorDesc& desc) {
  std::string key = desc.to_string() + " by";
  for (const int64_t stride : desc.strides) key += " " + std::to_string(stride);
  return key;
}

}  // namespace octavo
