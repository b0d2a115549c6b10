// Chooses between elements of two rows.
#pragma once

#include <cstdint>

namespace octavo::kernels {

// out[i] = condition[i] ? a[i] : b[i], for elements of 1, 2, 4 or 8 bytes. `out` may be any of the others.
void select_row(int64_t element_bytes, const uint8_t* condition, const void* a, const void* b, void* out,
                int64_t n);

}  // namespace octavo::kernels
