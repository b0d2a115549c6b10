// Windows of few channels. A tap's bytes would fill a small part of a tile, so a position's cell holds whole
// rows of its window: as many as the stride, next to each other. A step multiplies a cell, and the next step
// the one of the output row below.
//
//     stride 2, kernel 7 x 7, 3 channels     cell = 2 rows of 21 bytes;  7 rows of the kernel = 4 steps
#pragma once

#include "steps/layers/tiles/tile_source.h"

namespace octavo {

class WindowSource : public TileSource {
 public:
  static bool takes(const onednn::ConvolutionProblem& problem);
  explicit WindowSource(const onednn::ConvolutionProblem& problem);

  const char* name() const override { return "windows"; }
  std::vector<int64_t> step_offsets(int64_t rows) const override;
  int64_t copy_bytes(int64_t rows) const override;
  void copy(const void* src, int64_t image, int64_t first, int64_t last, int64_t rows, uint8_t zero_point,
            uint8_t* copied) const override;

 private:
  int64_t row_bytes() const { return width_ * cell_bytes_; }
  int64_t padded_bytes() const;
  void pad_row(const uint8_t* base, int64_t y, uint8_t zero_point, uint8_t* padded) const;

  TensorDesc src_;
  Dims stride_, padding_;
  int64_t window_bytes_;  // of a row of a window
};

}  // namespace octavo
