// One source, one body for each instruction set: the loader picks the widest that the CPU supports.
#pragma once

#include <utility>

// For plain functions that loop over contiguous elements. OpenMP regions stay outside of such functions: the
// compiler would outline them without the instruction set.
#define OCTAVO_MULTIVERSION __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))

// For the helpers those functions call: inlined, they are compiled for the caller's instruction set.
#define OCTAVO_INLINE inline __attribute__((always_inline))

namespace octavo::kernels {

// Indices that are constants from the start: GCC keeps an array in registers only if none of its indices
// becomes a constant as late as when loops are unrolled.
template <int... kNumbers>
using Numbers = std::integer_sequence<int, kNumbers...>;
// 0 to kCount - 1.
template <int kCount>
using Count = std::make_integer_sequence<int, kCount>;

}  // namespace octavo::kernels
