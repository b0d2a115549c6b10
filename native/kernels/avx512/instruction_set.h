// The instruction sets that kernels for AVX-512 are compiled for, function by function.
#pragma once

// GCC 12 takes the "undefined" registers of its own header for forgotten initializations.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop

#define OCTAVO_VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))

// For the helpers those functions call.
#define OCTAVO_VNNI_INLINE inline __attribute__((always_inline)) OCTAVO_VNNI
// For helpers that do without VNNI, which functions for x86-64-v4 call, too.
#define OCTAVO_AVX512_INLINE \
  inline __attribute__((always_inline, target("avx512f,avx512bw,avx512vl,avx512dq")))
