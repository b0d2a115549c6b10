#include "steps/normalization/channel_image.h"

#include <algorithm>
#include <stdexcept>

namespace octavo {

namespace {
constexpr int64_t kPixelsOfPart = 256;
constexpr int64_t kMostParts = 64;

bool is_channels_last(const TensorDesc& desc) {
  if (desc.shape.size() != 4 && desc.shape.size() != 5) return false;
  const TensorDesc last = channels_last(desc);
  for (size_t i = 0; i < desc.shape.size(); i++)
    if (desc.shape[i] > 1 && desc.strides[i] != last.strides[i]) return false;
  return true;
}
}  // namespace

ChannelImage::ChannelImage(const TensorDesc& desc, const std::string& what) {
  if (desc.dtype != DType::f32 || desc.shape.size() < 2)
    throw std::invalid_argument(what + " must be float32[N, C, ...], got " + desc.to_string());
  images = desc.shape[0];
  channels = desc.shape[1];
  pixels = 1;
  for (size_t i = 2; i < desc.shape.size(); i++) pixels *= desc.shape[i];
  adjacent = is_channels_last(desc);
  if (!adjacent && !desc.is_contiguous())
    throw std::invalid_argument(what + " must be row-major or channels-last, got " + desc.to_string());
  adjacent = adjacent || pixels == 1;
}

int64_t ChannelImage::parts() const { return std::clamp<int64_t>(count() / kPixelsOfPart, 1, kMostParts); }

}  // namespace octavo
