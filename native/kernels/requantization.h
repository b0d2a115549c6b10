// From integers (32-bit sums of products, or bytes) to bytes: one factor and one offset for each column.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tensor/tensor_desc.h"

namespace octavo::kernels {

// 8-bit integers to add: (value - zero_point) * scale, in units of the result.
struct ByteAddend {
  const void* values;  // null without an addition
  bool is_signed;
  float scale;
  float zero_point;
};

// x = integers * factor + offset + addend, clamped to low..high and rounded, ties to even. Then
// zero_point is added, and the sum saturates to the result's range.
struct Requantization {
  const float* factor;
  const float* offset;
  ByteAddend addend;
  float low, high;     // finite, and within +-2^20
  int32_t zero_point;  // a byte
};

// A value for `low` or `high`: the real bound, which may be infinite, times `unit`, the units of the
// result in a real 1.
inline float bound(float real, float unit) {
  constexpr float kBeyond = 1 << 20;  // any byte under any zero point
  return std::clamp(real * unit, -kBeyond, kBeyond);
}

// Rows of `length` results. Each row lies so many elements after the one before; an addend lies as the result
// does.
struct RowsOfBytes {
  int64_t length;
  int64_t count = 1;
  int64_t integers_step = 0, out_step = 0;
};

// Requantizes rows, with the same factors and offsets for each. `to.addend.values` may be `out`, as may
// integers of its size.
using Requantize = void (*)(const void* integers, const Requantization& to, void* out,
                            const RowsOfBytes& rows);
// For the element types of integers (s32, u8 or s8) and result (u8 or s8). Throws std::invalid_argument
// for others.
Requantize requantize_rows(DType integers, DType result);

}  // namespace octavo::kernels
