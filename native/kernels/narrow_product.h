// Products of float32 rows with weights that are stored in fewer bits. Weights are widened a tile at a
// time, just before they are multiplied, so memory is read in the narrow type.
#pragma once

#include <cstdint>

#include "tensor/tensor_desc.h"

namespace octavo::kernels {

// The count of output channels that are computed together.
constexpr int64_t kNarrowChannels = 16;

// The size, in elements, of the weights packed for `channels` channels of `terms` weights each.
int64_t narrow_elements(int64_t channels, int64_t terms);

// Packs row-major weights [channels, terms] of any type of 1 or 2 bytes into blocks of kNarrowChannels
// channels, [blocks, terms, kNarrowChannels]. Channels missing from the last block are 0.
void pack_narrow(size_t element_size, const void* weights, int64_t channels, int64_t terms, void* packed);

// sums[row, channel] = the product of row `row` of x [rows, terms] and one packed block. Rows of sums
// are kNarrowChannels apart.
void multiply_narrow(DType dtype, const float* x, int64_t rows, int64_t terms, const void* block,
                     float* sums);

}  // namespace octavo::kernels
