// Rows of an int8 image as int16 numbers with the zero point subtracted, including padding. The windows of a
// convolution are read from them.
#pragma once

#include <vector>

#include "onednn/convolution.h"

namespace octavo {

class WindowRows {
 public:
  // The problem's src must have adjacent channels.
  explicit WindowRows(const onednn::ConvolutionProblem& problem);

  // Elements of one row, and of all rows that `rows` output rows need.
  int64_t row_size() const { return columns_ * channels_; }
  int64_t size(int64_t rows) const;
  // Offset from a window's first element to the element at row `i` and column `j` of the kernel.
  int64_t tap_offset(int64_t i, int64_t j) const;
  // Whether the elements under one row of the kernel are adjacent.
  bool has_dense_kernel_rows() const { return dilation_[1] == 1; }
  // Offset from the first element written by read() to the window of output row `first + row` at `column`.
  int64_t window_offset(int64_t row, int64_t column) const;

  // Writes the rows that the output rows from `first` to `last` (excluded) of an image need.
  void read(const void* src, int64_t image, int64_t first, int64_t last, int16_t zero_point,
            int16_t* written) const;

 private:
  void read_row(const char* row, int16_t zero_point, int16_t* written) const;

  TensorDesc src_;
  Dims kernel_, stride_, dilation_, padding_;
  int64_t channels_, columns_;
};

}  // namespace octavo
