#include "steps/choice/suppression.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "kernels/multiversion.h"

namespace octavo {

namespace {
constexpr int64_t kLanes = 16;
constexpr int kRows = 5;  // x1, y1, x2, y2, area

int64_t padded(int64_t count) { return (count + kLanes - 1) / kLanes * kLanes; }

// std::max and std::min: of two that do not compare, the first.
OCTAVO_INLINE float greater_of(float a, float b) { return a < b ? b : a; }
OCTAVO_INLINE float lesser_of(float a, float b) { return b < a ? b : a; }

OCTAVO_INLINE float area_of(const Box& box) { return (box.x2 - box.x1) * (box.y2 - box.y1); }

struct Chosen {
  const float *x1, *y1, *x2, *y2, *area;
};

template <OverlapRule kRule>
OCTAVO_INLINE bool overlaps(const Chosen& chosen, int64_t i, const Box& box, float area, float threshold) {
  const float x1 = greater_of(chosen.x1[i], box.x1), x2 = lesser_of(chosen.x2[i], box.x2);
  const float y1 = greater_of(chosen.y1[i], box.y1), y2 = lesser_of(chosen.y2[i], box.y2);
  if (kRule == OverlapRule::torchvision) {
    const float both = greater_of(0, x2 - x1) * greater_of(0, y2 - y1);
    return both / (chosen.area[i] + area - both) > threshold;
  }
  const float both = (x2 - x1) * (y2 - y1);
  const float either = chosen.area[i] + area - both;
  const bool none =
      (x2 <= x1) | (y2 <= y1) | (both <= 0) | (chosen.area[i] <= 0) | (area <= 0) | (either <= 0);
  return !none & (both / either > threshold);
}

// Whole groups of lanes, so that the loop has no branches. Lanes without a box hold NaN, which overlaps
// nothing.
template <OverlapRule kRule>
OCTAVO_INLINE bool overlaps_any(const Chosen& chosen, int64_t count, const Box& box, float threshold) {
  const float area = area_of(box);
  for (int64_t first = 0; first < count; first += kLanes) {
    int hits = 0;
    for (int64_t i = 0; i < kLanes; i++) hits |= overlaps<kRule>(chosen, first + i, box, area, threshold);
    if (hits) return true;
  }
  return false;
}

OCTAVO_MULTIVERSION bool overlaps_as_onnx(const Chosen& chosen, int64_t count, const Box& box,
                                          float threshold) {
  return overlaps_any<OverlapRule::onnx>(chosen, count, box, threshold);
}

OCTAVO_MULTIVERSION bool overlaps_as_torchvision(const Chosen& chosen, int64_t count, const Box& box,
                                                 float threshold) {
  return overlaps_any<OverlapRule::torchvision>(chosen, count, box, threshold);
}

// Candidates in order, sorted in growing pieces: seldom are all of them looked at.
class Ordered {
 public:
  Ordered(uint64_t* candidates, int64_t count) : begin_(candidates), end_(candidates + count) {}

  uint64_t at(int64_t i) {
    while (sorted_ <= i) sort_more();
    return begin_[i];
  }

 private:
  void sort_more() {
    uint64_t* const from = begin_ + sorted_;
    const int64_t piece = std::min<int64_t>(std::max<int64_t>(sorted_, kFirstPiece), end_ - from);
    if (from + piece < end_) std::nth_element(from, from + piece, end_);
    std::sort(from, from + piece);
    sorted_ += piece;
  }

  static constexpr int64_t kFirstPiece = 256;
  uint64_t *begin_, *end_;
  int64_t sorted_ = 0;
};
}  // namespace

size_t SuppressionScratch::bytes(int64_t boxes, int64_t most) {
  return static_cast<size_t>(boxes) * sizeof(uint64_t) +
         static_cast<size_t>(kRows * padded(std::min(most, boxes))) * sizeof(float) + 64;
}

SuppressionScratch::SuppressionScratch(void* memory, int64_t boxes, int64_t most)
    : candidates_(static_cast<uint64_t*>(memory)),
      chosen_(reinterpret_cast<float*>(candidates_ + boxes)),
      stride_(padded(std::min(most, boxes))) {}

uint64_t candidate_of(float score, int64_t index, bool nan_first) {
  const float value = score + 0.0f;  // -0 becomes 0
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  // Ascending as the numbers descend.
  uint32_t order = bits & 0x80000000u ? bits : ~(bits | 0x80000000u);
  if (value != value) order = nan_first ? 0 : ~0u;
  return static_cast<uint64_t>(order) << 32 | static_cast<uint64_t>(index);
}

Box Boxes::at(int64_t i) const {
  const float* b = data + 4 * i;
  if (by_center) {
    const float half_width = b[2] / 2, half_height = b[3] / 2;
    return {b[0] - half_width, b[1] - half_height, b[0] + half_width, b[1] + half_height};
  }
  Box box = y_first ? Box{b[1], b[0], b[3], b[2]} : Box{b[0], b[1], b[2], b[3]};
  if (sorts && box.x1 >= box.x2) std::swap(box.x1, box.x2);
  if (sorts && box.y1 >= box.y2) std::swap(box.y1, box.y2);
  return box;
}

int64_t suppress(const Boxes& boxes, const SuppressionScratch& scratch, int64_t count, int64_t most,
                 float threshold, OverlapRule rule, int64_t* chosen) {
  float* rows[kRows];
  for (int row = 0; row < kRows; row++) rows[row] = scratch.chosen(row);
  const Chosen before = {rows[0], rows[1], rows[2], rows[3], rows[4]};
  const auto is_too_close = rule == OverlapRule::onnx ? overlaps_as_onnx : overlaps_as_torchvision;
  Ordered ordered(scratch.candidates(), count);
  int64_t found = 0;
  for (int64_t i = 0; i < count && found < most; i++) {
    const int64_t index = index_of(ordered.at(i));
    const Box box = boxes.at(index);
    if (is_too_close(before, found, box, threshold)) continue;
    if (found % kLanes == 0)
      for (float* row : rows) std::fill_n(row + found, kLanes, std::numeric_limits<float>::quiet_NaN());
    const float values[kRows] = {box.x1, box.y1, box.x2, box.y2, area_of(box)};
    for (int row = 0; row < kRows; row++) rows[row][found] = values[row];
    chosen[found++] = index;
  }
  return found;
}

}  // namespace octavo
