#include "steps/resampling/grid_axis.h"

#include <algorithm>
#include <cmath>

namespace octavo {

namespace {
// Keys's cubic convolution, as PyTorch has it.
constexpr float kCubic = -0.75f;
// Beyond all extents, and still an exact integer of float32.
constexpr float kFar = 16777216.0f;

float near_weight(float x) { return ((kCubic + 2) * x - (kCubic + 3)) * x * x + 1; }
float far_weight(float x) { return ((kCubic * x - 5 * kCubic) * x + 8 * kCubic) * x - 4 * kCubic; }
}  // namespace

GridTaps GridAxis::at(float coordinate) const {
  const auto extent = static_cast<float>(extent_);
  float position = align_corners_ ? (coordinate + 1) / 2 * (extent - 1) : ((coordinate + 1) * extent - 1) / 2;
  if (!(std::fabs(position) < kFar)) position = position > 0 ? kFar : -kFar;
  GridTaps taps{};
  if (mode_ == GridMode::bicubic) {
    const float first = std::floor(position), t = position - first;
    const float weights[] = {far_weight(t + 1), near_weight(t), near_weight(1 - t), far_weight(2 - t)};
    for (int i = 0; i < 4; i++) add(padded(first + static_cast<float>(i - 1)), weights[i], taps);
    return taps;
  }
  position = padded(position);
  if (mode_ == GridMode::nearest) {
    add(std::nearbyint(position), 1, taps);
    return taps;
  }
  const float first = std::floor(position), t = position - first;
  add(first, 1 - t, taps);
  add(first + 1, t, taps);
  return taps;
}

float GridAxis::padded(float position) const {
  if (padding_ == GridPadding::zeros) return position;
  if (padding_ == GridPadding::reflection) position = reflected(position);
  return std::clamp(position, 0.0f, static_cast<float>(extent_ - 1));
}

// Mirrored at the centres of the outermost elements, or at their edges.
float GridAxis::reflected(float position) const {
  const float low = align_corners_ ? 0.0f : -0.5f;
  const float span = static_cast<float>(align_corners_ ? extent_ - 1 : extent_);
  if (span == 0) return 0;
  const float distance = std::fabs(position - low);
  const float rest = std::fmod(distance, span);
  const bool is_mirrored = std::fmod(std::floor(distance / span), 2.0f) != 0;
  return is_mirrored ? span - rest + low : rest + low;
}

void GridAxis::add(float position, float weight, GridTaps& taps) const {
  const auto index = static_cast<int64_t>(position);
  if (index < 0 || index >= extent_) return;
  taps.positions[taps.count] = index;
  taps.weights[taps.count++] = weight;
}

}  // namespace octavo
