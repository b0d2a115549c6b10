// The bytes under a kernel's windows as rows of tile products.
#pragma once

#include <memory>
#include <vector>

#include "onednn/convolution.h"

namespace octavo {

// A step of the products multiplies `length` adjacent bytes, from `begin` on, of those of a list of the
// kernel's elements (row-major numbers, or -1 for none), `tap_bytes` each. Their weights beyond the channels
// are 0.
struct TileStep {
  std::vector<int64_t> elements;
  int64_t begin, length;
};

// Positions are numbered through a task's rows: each is the row of a product, and starts one cell further
// than the one before. Of every width() positions the first ones are results, as many as the output has
// columns.
class TileSource {
 public:
  virtual ~TileSource() = default;

  // What the rows are read from: "pixels", "cells" or "windows".
  virtual const char* name() const = 0;
  // Whether the image itself is read. The pixels of all images are then the positions of one row.
  virtual bool is_in_place() const { return false; }

  int64_t width() const { return width_; }
  int64_t cell_bytes() const { return cell_bytes_; }
  int64_t tap_bytes() const { return tap_bytes_; }
  const std::vector<TileStep>& steps() const { return steps_; }
  // What every step multiplies: bytes beyond its own length have weights of 0.
  int64_t step_bytes() const { return step_bytes_; }

  // Where each step's bytes begin, from a position's cell on, in copies for `rows` output rows.
  virtual std::vector<int64_t> step_offsets(int64_t rows) const = 0;
  // The size of a copy for `rows` output rows, with what the last tiles read behind it.
  virtual int64_t copy_bytes(int64_t) const { return 0; }
  // Copies what the output rows from `first` to `last` (excluded) of an image need, into a copy for `rows`.
  // Padding becomes `zero_point`.
  virtual void copy(const void* /*src*/, int64_t /*image*/, int64_t /*first*/, int64_t /*last*/,
                    int64_t /*rows*/, uint8_t /*zero_point*/, uint8_t* /*copied*/) const {}

 protected:
  int64_t width_ = 0, cell_bytes_ = 0, tap_bytes_ = 0, step_bytes_ = 0;
  std::vector<TileStep> steps_;
};

// The bytes of equal steps that make `bytes` without a rest; 0 where only many small ones would.
int64_t even_step(int64_t bytes);

// The way to read this problem, whose src has adjacent channels. `is_stored_densely`: whether the results'
// pixels follow each other at one distance.
std::unique_ptr<TileSource> make_tile_source(const onednn::ConvolutionProblem& problem,
                                             bool is_stored_densely);

}  // namespace octavo
