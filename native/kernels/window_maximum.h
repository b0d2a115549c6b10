// Max pooling of images whose channels are contiguous.
#pragma once

#include <cstdint>

#include "tensor/tensor_desc.h"

namespace octavo::kernels {

// Windows of pixels, each `advance` elements after the last, and the place of each result. All have the
// same `rows` and `columns`, at least one each; `row_step` and `column_step` are the distances between
// them, in elements.
struct PixelWindows {
  int64_t count, advance, result_advance;
  int64_t rows, row_step;
  int64_t columns, column_step;
};

// Bytes, int32, float32 and bfloat16.
bool has_maximum_of_windows(DType dtype);

// results[c] = the largest value of channel c in the first window, NaN if one of them is NaN; the other
// windows follow.
void maximum_of_windows(const PixelWindows& windows, DType dtype, const void* pixels, void* results,
                        int64_t channels);

}  // namespace octavo::kernels
