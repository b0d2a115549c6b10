// From 32-bit sums to results, in registers: scale, bias, an added tensor, a pointwise function,
// quantization.
//
// A block of 64 channels is four vectors of 16, in the order in which unpacking bytes leaves them. Packing
// restores it, as both work within lanes of 128 bits:
//
//     bytes    0 ... 15 | 16 ... 31 | 32 ... 47 | 48 ... 63      channels of a block
//     vector 0   0 -  3 |   16 - 19 |   32 - 35 |   48 - 51
//     vector 1   4 -  7 |   20 - 23 |   36 - 39 |   52 - 55
//     vector 2   8 - 11 |   24 - 27 |   40 - 43 |   56 - 59
//     vector 3  12 - 15 |   28 - 31 |   44 - 47 |   60 - 63
#pragma once

#include <cstdint>

#include "kernels/avx512/functions.h"

namespace octavo::kernels {

constexpr int64_t kBlockChannels = 64;

// The channel of a block that stands at a position of its four vectors, counted through.
constexpr int64_t block_channel(int64_t position) {
  return position % 16 / 4 * 16 + position / 16 * 4 + position % 4;
}

// `line` stands for every function that is a line between two bounds.
enum class Function { line, leaky_relu, hardswish, swish, sigmoid, tanh, gelu_erf, gelu_tanh };
enum class Added { nothing, bytes, floats };

// x = sum * factor + offset + addend * addend_scale
// result = x or function(x) * scale + shift, between low and high
// Signed bytes are treated as unsigned ones, 128 larger: the flips are 0x80 for them, and what is computed
// from their zero points is meant for the larger ones. Results that become bytes must fit 32 bits, unless an
// added float is clamped.
struct Epilogue {
  Function function = Function::line;
  Added added = Added::nothing;
  const float *factor = nullptr, *offset = nullptr;  // one a channel, in the order of the blocks' vectors
  float addend_scale = 0;
  float slope = 0;  // leaky_relu's below 0
  float scale = 1, shift = 0, low = 0, high = 0;
  uint8_t addend_flip = 0, result_flip = 0;
};

// An epilogue's numbers in registers, for a loop.
struct EpilogueRegisters {
  __m512 addend_scale, slope, scale, shift, low, high;
  __m512i addend_flip, result_flip, low_byte, high_byte;

  OCTAVO_VNNI explicit EpilogueRegisters(const Epilogue& epilogue)
      : addend_scale(_mm512_set1_ps(epilogue.addend_scale)),
        slope(_mm512_set1_ps(epilogue.slope)),
        scale(_mm512_set1_ps(epilogue.scale)),
        shift(_mm512_set1_ps(epilogue.shift)),
        low(_mm512_set1_ps(epilogue.low)),
        high(_mm512_set1_ps(epilogue.high)),
        addend_flip(_mm512_set1_epi8(static_cast<char>(epilogue.addend_flip))),
        result_flip(_mm512_set1_epi8(static_cast<char>(epilogue.result_flip))),
        low_byte(byte_of(epilogue.low)),
        high_byte(byte_of(epilogue.high)) {}

 private:
  // The byte that a number is rounded to, 64 times.
  OCTAVO_VNNI static __m512i byte_of(float number) {
    const __m512i words = _mm512_packs_epi32(_mm512_cvtps_epi32(_mm512_set1_ps(number)),
                                             _mm512_cvtps_epi32(_mm512_set1_ps(number)));
    return _mm512_packus_epi16(words, words);
  }
};

// sum * factor + offset.
OCTAVO_VNNI_INLINE __m512 scaled_sums(__m512i sums, __m512 factor, __m512 offset) {
  return _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums), factor, offset);
}

// The function of x, in units of the destination.
template <Function kFunction>
OCTAVO_VNNI_INLINE __m512 result_of(__m512 x, const EpilogueRegisters& to) {
  if (kFunction == Function::line) return x;
  const __m512 in_units = _mm512_mul_ps(x, to.scale);
  if (kFunction == Function::leaky_relu) {
    const __mmask16 is_negative = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_LT_OQ);
    return _mm512_add_ps(_mm512_mask_mul_ps(in_units, is_negative, in_units, to.slope), to.shift);
  }
  if (kFunction == Function::hardswish) {
    const __m512 line = _mm512_fmadd_ps(x, _mm512_set1_ps(1.f / 6), _mm512_set1_ps(0.5f));
    const __m512 gate = _mm512_min_ps(_mm512_set1_ps(1), _mm512_max_ps(_mm512_setzero_ps(), line));
    return _mm512_fmadd_ps(in_units, gate, to.shift);
  }
  if (kFunction == Function::swish) return _mm512_fmadd_ps(in_units, logistic(x), to.shift);
  if (kFunction == Function::sigmoid) return _mm512_fmadd_ps(logistic(x), to.scale, to.shift);
  if (kFunction == Function::tanh) return _mm512_fmadd_ps(hyperbolic_tangent(x), to.scale, to.shift);
  if (kFunction == Function::gelu_erf) {
    const __m512 half = _mm512_set1_ps(0.5f);
    const __m512 gate =
        _mm512_fmadd_ps(error_function(_mm512_mul_ps(x, _mm512_set1_ps(0.70710678f))), half, half);
    return _mm512_fmadd_ps(in_units, gate, to.shift);
  }
  // (1 + tanh(u)) / 2 is the logistic function of 2 u.
  const __m512 cubic = _mm512_fmadd_ps(_mm512_mul_ps(x, x), _mm512_set1_ps(0.044715f), _mm512_set1_ps(1));
  const __m512 u = _mm512_mul_ps(_mm512_mul_ps(x, cubic), _mm512_set1_ps(0.79788456f));
  return _mm512_fmadd_ps(in_units, logistic(u, -2.88539008f), to.shift);
}

// NaN, which only an added float can bring, stays NaN.
OCTAVO_VNNI_INLINE __m512 clamped(__m512 result, const EpilogueRegisters& to) {
  return _mm512_min_ps(to.high, _mm512_max_ps(to.low, result));
}

// Adds a block's bytes, in the channels' order, to its four vectors.
OCTAVO_VNNI_INLINE void add_bytes(__m512i bytes, const EpilogueRegisters& from, __m512 x[4]) {
  const __m512i zero = _mm512_setzero_si512(), whole = _mm512_xor_si512(bytes, from.addend_flip);
  const __m512i low = _mm512_unpacklo_epi8(whole, zero), high = _mm512_unpackhi_epi8(whole, zero);
  const __m512i wide[4] = {_mm512_unpacklo_epi16(low, zero), _mm512_unpackhi_epi16(low, zero),
                           _mm512_unpacklo_epi16(high, zero), _mm512_unpackhi_epi16(high, zero)};
#pragma GCC unroll 4
  for (int v = 0; v < 4; v++) x[v] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(wide[v]), from.addend_scale, x[v]);
}

// Between a block's four vectors and its channels in order. It is its own inverse.
OCTAVO_VNNI_INLINE void reorder_block(__m512 x[4]) {
  const __m512 a = _mm512_shuffle_f32x4(x[0], x[1], 0x44), b = _mm512_shuffle_f32x4(x[0], x[1], 0xee);
  const __m512 c = _mm512_shuffle_f32x4(x[2], x[3], 0x44), d = _mm512_shuffle_f32x4(x[2], x[3], 0xee);
  x[0] = _mm512_shuffle_f32x4(a, c, 0x88);
  x[1] = _mm512_shuffle_f32x4(a, c, 0xdd);
  x[2] = _mm512_shuffle_f32x4(b, d, 0x88);
  x[3] = _mm512_shuffle_f32x4(b, d, 0xdd);
}

// A block's results as bytes between the bounds, in the channels' order: rounded with ties to even. Bounds
// are rounded alike, so that it does not matter which comes first.
OCTAVO_VNNI_INLINE __m512i packed_bytes(const __m512 results[4], const EpilogueRegisters& to) {
  const __m512i low = _mm512_packs_epi32(_mm512_cvtps_epi32(results[0]), _mm512_cvtps_epi32(results[1]));
  const __m512i high = _mm512_packs_epi32(_mm512_cvtps_epi32(results[2]), _mm512_cvtps_epi32(results[3]));
  const __m512i bytes = _mm512_packus_epi16(low, high);
  const __m512i between = _mm512_min_epu8(to.high_byte, _mm512_max_epu8(to.low_byte, bytes));
  return _mm512_xor_si512(between, to.result_flip);
}

}  // namespace octavo::kernels
