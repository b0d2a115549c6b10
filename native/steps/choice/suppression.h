// Greedy choice of boxes: the best one, then again and again the best of those that overlap none of the
// chosen ones too much.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octavo {

struct Box {
  float x1, y1, x2, y2;  // x1 <= x2 and y1 <= y2, if the model's boxes are sound
};

// When two boxes overlap too much. Both compare intersection over union with the threshold, in float32 and in
// the same order of operations as the libraries that models were made with; they differ in what a box without
// an area does.
enum class OverlapRule {
  onnx,        // a box without an area overlaps nothing
  torchvision  // a quotient that is not a number, 0 / 0, is not too much
};

// Working memory of one choice among `boxes` boxes of which at most `most` are chosen.
class SuppressionScratch {
 public:
  static size_t bytes(int64_t boxes, int64_t most);
  SuppressionScratch(void* memory, int64_t boxes, int64_t most);

  uint64_t* candidates() const { return candidates_; }
  // Row by row x1, y1, x2, y2 and area of the chosen boxes.
  float* chosen(int row) const { return chosen_ + row * stride_; }

 private:
  uint64_t* candidates_;
  float* chosen_;
  int64_t stride_;
};

// A candidate as one number: sorted upwards, the better scores come first, and of equal ones the lower index.
// NaN comes first if `nan_first`, last otherwise; the zeros are equal.
uint64_t candidate_of(float score, int64_t index, bool nan_first);
inline int64_t index_of(uint64_t candidate) { return static_cast<int64_t>(candidate & 0xffffffffu); }

// The boxes of one choice: box(i) is four numbers each, as the model has them.
struct Boxes {
  const float* data;
  bool by_center;  // center x, center y, width, height; otherwise two opposite corners
  bool y_first;    // y, x, y, x; corners only
  bool sorts;      // puts the lower corner first
  Box at(int64_t i) const;
};

// Chooses among the first `count` candidates, which it sorts as far as it needs to. Writes the indices of the
// chosen boxes, at most `most`, and returns how many there are.
int64_t suppress(const Boxes& boxes, const SuppressionScratch& scratch, int64_t count, int64_t most,
                 float threshold, OverlapRule rule, int64_t* chosen);

}  // namespace octavo
