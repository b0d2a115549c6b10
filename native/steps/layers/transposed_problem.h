// A transposed convolution step, read and checked, as a problem of volumes.
#pragma once

#include <array>

#include "contract/step.h"

namespace octavo {

// One spatial extent. Input element i and place k of the kernel meet at output element
// i * stride - padding + k * dilation.
struct TransposedAxis {
  int64_t in, out, kernel, stride, padding, dilation;

  // Input elements that meet place k inside of the output: begin <= i < end.
  struct Range {
    int64_t begin, end;
  };
  Range inputs_of(int64_t k) const;
  // The input element that meets place k at output element `at`; -1 where there is none.
  int64_t input_at(int64_t at, int64_t k) const;
};

struct TransposedProblem {
  std::array<TransposedAxis, 3>
      axes;  // depth, height, width: what a signal or an image lacks has extents of 1
  int64_t batch, groups;
  int64_t in, out;  // channels of a group

  int64_t in_pixels() const { return axes[0].in * axes[1].in * axes[2].in; }
  int64_t out_pixels() const { return axes[0].out * axes[1].out * axes[2].out; }
  int64_t places() const { return axes[0].kernel * axes[1].kernel * axes[2].kernel; }
};

// Attributes: stride, padding (before the first element), dilation, groups, hasBias. Inputs: the tensor
// [N, C, ...], the weight [C, O / groups, ...], the bias [O]. The output's extents say how far it reaches.
// Throws std::invalid_argument.
TransposedProblem read_transposed(const StepSpec& spec);

}  // namespace octavo
