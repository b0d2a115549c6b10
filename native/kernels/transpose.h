// Moves elements of 1, 2, 4 or 8 bytes between layouts.
#pragma once

#include <cstdint>

namespace octavo::kernels {

// dst[column * dst_step + row] = src[row * src_step + column]; steps in elements.
void transpose(int64_t element_bytes, const void* src, int64_t src_step, void* dst, int64_t dst_step,
               int64_t rows, int64_t columns);

// dst[i] = src[i] for elements that are src_step and dst_step bytes apart.
void gather(int64_t element_bytes, const void* src, int64_t src_step, void* dst, int64_t dst_step,
            int64_t count);

}  // namespace octavo::kernels
