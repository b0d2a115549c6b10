// How the kernels of this folder reach wide registers: plain loops over fixed lanes, which the compiler
// turns into SIMD, compiled once per instruction set and chosen when the addon is loaded.
#pragma once

#define OCTAVO_SIMD_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))

namespace octavo::observe {

// Independent accumulators of a reduction: four AVX-512 registers hide the latency of one operation.
constexpr int kLanes = 32;

}  // namespace octavo::observe
