// Elements that are combined with others at places which indices choose.
#pragma once

#include <cstdint>
#include <string>

#include "tensor/tensor_desc.h"

namespace octavo::kernels {

enum class Combination { set, sum, product, maximum, minimum };

// Combines n elements of `src` into `out`, one after the other: element i with the one at
// `out[i * out_step + offsets[i * offset_step]]`. Steps and offsets count elements.
using CombineRow = void (*)(const char* src, int64_t src_step, char* out, int64_t out_step,
                            const int64_t* offsets, int64_t offset_step, int64_t n);

// The loop for a dtype. Throws std::invalid_argument where there is no arithmetic on it.
CombineRow combine_row(Combination combination, DType dtype);

// What changes nothing if it is combined with any value of the dtype. Throws std::invalid_argument for `set`.
double neutral_value(Combination combination, DType dtype);

// out[i] /= counts[i] where that is not 0; integers are rounded down.
void divide_by_counts(DType dtype, char* out, const int32_t* counts, int64_t n);

}  // namespace octavo::kernels
