// One axis of a tensor resampled: every new position is a weighted sum of a few old ones.
#pragma once

#include <cstdint>
#include <vector>

#include "contract/attributes.h"

namespace octavo {

class Taps {
 public:
  // Attributes: axis; extent, of the new axis; begins, for each new position the first old one that it reads;
  // counts, how many it reads from there on; weights, a row for each position, all as long as the longest.
  // A position that reads none is outside of the image. Throws std::invalid_argument for a position beyond
  // `extent`, the old axis's.
  Taps(const Attributes& attributes, int64_t extent);

  int64_t from() const { return from_; }
  int64_t to() const { return static_cast<int64_t>(counts_.size()); }
  // Whether a position is outside of the image.
  bool is_outside(int64_t position) const { return counts_[position] == 0; }

  // A tensor [outer, from, inner] to [outer, to, inner], both row-major. Positions outside become `outside`.
  void apply(const float* src, float* dst, int64_t outer, int64_t inner, float outside) const;

 private:
  void across(const float* src, float* dst, int64_t outer, int64_t inner, float outside) const;
  void along(const float* src, float* dst, int64_t rows, float outside) const;

  int64_t from_, longest_ = 0;
  std::vector<int32_t> begins_, counts_;
  std::vector<float> weights_;  // [to, longest]
  // For rows along the axis: windows of the same length, all inside, where a weight of 0 means nothing.
  std::vector<int32_t> window_begins_;
  std::vector<float> window_weights_;  // [longest, to]
};

}  // namespace octavo
