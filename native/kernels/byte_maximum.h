// Max pooling of quantized images whose channels are contiguous.
#pragma once

#include <cstdint>

namespace octavo::kernels {

// Windows of pixels, each `advance` bytes after the last, and where the result of each goes. All have the
// same `rows` and `columns`, which begin so many bytes apart; at least one each.
struct PixelWindows {
  int64_t count, advance, result_advance;
  int64_t rows, row_step;
  int64_t columns, column_step;
};

// results[c] = the largest of channel c in the first window, uint8 or int8; and so on.
void maximum_of_windows(const PixelWindows& windows, bool is_signed, const void* pixels, void* results,
                        int64_t channels);

}  // namespace octavo::kernels
