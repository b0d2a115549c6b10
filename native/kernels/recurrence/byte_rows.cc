#include "kernels/recurrence/byte_rows.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/quantization.h"

namespace octavo::kernels {

namespace {
// PyTorch's least scale (quant_utils::ChooseQuantizationParams): the reciprocal of a smaller one is too
// large.
constexpr float kLeastScale = 6.1e-5f;

OCTAVO_MULTIVERSION void quantize(const float* __restrict values, int64_t count, const Quantization& to,
                                  uint8_t* __restrict bytes) {
  const Quantization by = to;
  for (int64_t i = 0; i < count; i++)
    bytes[i] = static_cast<uint8_t>(quantized_from_zero(values[i], by) + static_cast<int32_t>(by.zero_point));
}
}  // namespace

ByteScale byte_scale(float low, float high) {
  low = std::min(low, 0.0f);
  high = std::max(high, 0.0f);
  if (!std::isfinite(high - low)) return {std::numeric_limits<float>::quiet_NaN(), 0};
  const float scale = std::max((high - low) / static_cast<float>(kLargestByte), kLeastScale);
  const float zero_point = std::nearbyint(-low / scale);
  return {scale, static_cast<int32_t>(std::clamp(zero_point, 0.0f, static_cast<float>(kLargestByte)))};
}

void to_bytes(const float* values, int64_t count, const ByteScale& by, uint8_t* bytes) {
  const auto zero_point = static_cast<float>(by.zero_point);
  quantize(values, count, {1 / by.scale, zero_point, 0, static_cast<float>(kLargestByte)}, bytes);
}

}  // namespace octavo::kernels
