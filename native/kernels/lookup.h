// Maps bytes through a table: any function of one 8-bit integer.
#pragma once

#include <cstdint>

namespace octavo::kernels {

// dst[i] = table[src[i]]; the table has 256 entries. dst may be src.
void lookup_row(const uint8_t* table, const uint8_t* src, uint8_t* dst, int64_t n);

// "octavo:lookup:avx512_vbmi" or "octavo:lookup:scalar".
const char* lookup_implementation();

}  // namespace octavo::kernels
