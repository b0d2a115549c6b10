#include "kernels/reduction.h"

#include <algorithm>

#include "kernels/arithmetic.h"
#include "kernels/multiversion.h"
#include "kernels/row_conversion.h"

namespace octavo::kernels {

namespace {
constexpr int64_t kChunk = 512;
constexpr int64_t kLanes = 32;  // sums that stay in registers

OCTAVO_MULTIVERSION void accumulate_u8(const uint8_t* __restrict row, float* __restrict sum, int64_t n) {
  for (int64_t i = 0; i < n; i++) sum[i] += static_cast<float>(row[i]);
}
OCTAVO_MULTIVERSION void accumulate_s8(const int8_t* __restrict row, float* __restrict sum, int64_t n) {
  for (int64_t i = 0; i < n; i++) sum[i] += static_cast<float>(row[i]);
}

struct Rounding {
  float inverse_scale, zero_point, low, high;
};

OCTAVO_INLINE float rounded(float value, const Rounding& r) {
  const float integer = __builtin_rintf(value * r.inverse_scale) + r.zero_point;
  const float raised = integer > r.low ? integer : r.low;
  return raised < r.high ? raised : r.high;
}

OCTAVO_MULTIVERSION void accumulate_rounded(const float* __restrict rows, int64_t stride, int64_t count,
                                            float* __restrict sums, int64_t n, const Rounding& rounding) {
  const Rounding r = rounding;
  int64_t begin = 0;
  for (; begin + kLanes <= n; begin += kLanes) {
    float lanes[kLanes] = {};
    for (int64_t row = 0; row < count; row++)
      for (int64_t i = 0; i < kLanes; i++) lanes[i] += rounded(rows[row * stride + begin + i], r);
    for (int64_t i = 0; i < kLanes; i++) sums[begin + i] += lanes[i];
  }
  for (int64_t row = 0; row < count; row++)
    for (int64_t i = begin; i < n; i++) sums[i] += rounded(rows[row * stride + i], r);
}
}  // namespace

void accumulate_row(DType dtype, const void* row, float* accumulator, int64_t n) {
  if (dtype == DType::f32) return add_rows(static_cast<const float*>(row), accumulator, accumulator, n);
  if (dtype == DType::u8) return accumulate_u8(static_cast<const uint8_t*>(row), accumulator, n);
  if (dtype == DType::s8) return accumulate_s8(static_cast<const int8_t*>(row), accumulator, n);
  alignas(64) float values[kChunk];
  for (int64_t begin = 0; begin < n; begin += kChunk) {
    const int64_t count = std::min(kChunk, n - begin);
    load_row(dtype, static_cast<const char*>(row) + begin * dtype_size(dtype), values, count, 1, 0);
    add_rows(values, accumulator + begin, accumulator + begin, count);
  }
}

void accumulate_quantized_rows(const float* rows, int64_t stride, int64_t count, float* accumulator,
                               int64_t n, Affine target, QuantRange range) {
  const Rounding rounding = {static_cast<float>(1.0 / target.scale), static_cast<float>(target.zero_point),
                             static_cast<float>(range.min), static_cast<float>(range.max)};
  accumulate_rounded(rows, stride, count, accumulator, n, rounding);
}

}  // namespace octavo::kernels
