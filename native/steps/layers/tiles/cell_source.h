// Windows that overlap, read from padded copies in which an output position is one cell.
//
//     padded row     p p p a b c d e p p        a window of three taps begins at every cell, the next
//     position's windows        [p p p] ...                one cell further, also across the ends of rows.
//     The few windows
//                      [p p a] ...              that wrap are computed and never stored.
//                        [p a b] ...
//
// With a stride, every stride-th pixel makes an image of its own (a phase), in which neighbouring windows
// begin at neighbouring cells again.
#pragma once

#include "steps/layers/tiles/tile_source.h"

namespace octavo {

class CellSource : public TileSource {
 public:
  explicit CellSource(const onednn::ConvolutionProblem& problem);

  const char* name() const override { return "cells"; }
  std::vector<int64_t> step_offsets(int64_t rows) const override;
  int64_t copy_bytes(int64_t rows) const override;
  void copy(const void* src, int64_t image, int64_t first, int64_t last, int64_t rows, uint8_t zero_point,
            uint8_t* copied) const override;

 private:
  // Along one axis: a tap reads a phase, `cell` cells behind the window's first.
  struct Tap {
    int64_t phase, cell;
  };
  struct Phase {
    int64_t row, column;
  };
  // Taps next to each other in a phase.
  struct Run {
    size_t phase;
    int64_t row, column;
    std::vector<int64_t> elements;
  };

  Tap tap(size_t axis, int64_t index) const;
  size_t phase_of(int64_t row, int64_t column);
  void find_runs();
  void cut_runs();
  int64_t phase_bytes(int64_t rows) const { return (rows + rows_behind_) * width_ * cell_bytes_; }
  void copy_row(const uint8_t* row, const Phase& phase, uint8_t zero_point, uint8_t* cells) const;

  TensorDesc src_;
  Dims kernel_, stride_, dilation_, padding_;
  int64_t rows_behind_ = 0, columns_behind_ = 0;  // cells that windows reach beyond their first
  std::vector<Phase> phases_;
  std::vector<Run> runs_;
  std::vector<size_t> step_runs_;
};

}  // namespace octavo
