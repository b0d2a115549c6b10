// Where a grid's coordinate reads an axis of an image: up to four positions with their weights.
#pragma once

#include <cstdint>
#include <string>

namespace octavo {

enum class GridMode { bilinear, nearest, bicubic };
enum class GridPadding { zeros, border, reflection };

struct GridTaps {
  int count;
  int64_t positions[4];
  float weights[4];
};

class GridAxis {
 public:
  GridAxis(int64_t extent, GridMode mode, GridPadding padding, bool align_corners)
      : extent_(extent), mode_(mode), padding_(padding), align_corners_(align_corners) {}

  // The positions inside of the image: around it everything is 0. `coordinate`: -1 and 1 are the image's
  // ends. What is not a number is outside.
  GridTaps at(float coordinate) const;
  // The largest count of positions.
  int64_t most() const { return mode_ == GridMode::bicubic ? 4 : mode_ == GridMode::bilinear ? 2 : 1; }

 private:
  // In positions, as the padding has it.
  float padded(float position) const;
  float reflected(float position) const;
  void add(float position, float weight, GridTaps& taps) const;

  int64_t extent_;
  GridMode mode_;
  GridPadding padding_;
  bool align_corners_;
};

}  // namespace octavo
