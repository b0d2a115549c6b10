#include "kernels/accumulators.h"

#include <limits>

#include "kernels/multiversion.h"

namespace octavo::kernels {

namespace {
template <typename T>
OCTAVO_INLINE T saturated(float x, const Requantization& to) {
  constexpr float kMin = std::numeric_limits<T>::min(), kMax = std::numeric_limits<T>::max();
  x = x < to.low ? to.low : x;
  x = x > to.high ? to.high : x;
  float q = __builtin_rintf(x) + to.zero_point;
  q = q < kMin ? kMin : q;
  q = q > kMax ? kMax : q;
  return static_cast<T>(static_cast<int32_t>(q));
}

template <typename T>
OCTAVO_INLINE void plain(const int32_t* __restrict sums, const Requantization to, T* __restrict out,
                         int64_t n) {
  for (int64_t i = 0; i < n; i++)
    out[i] = saturated<T>(static_cast<float>(sums[i]) * to.factor[i] + to.offset[i], to);
}

// Every element is read before it is written, so an addend in the same place is safe: no __restrict on the
// two.
template <typename A, typename T>
OCTAVO_INLINE void with_addend(const int32_t* __restrict sums, const Requantization to,
                               const IntegerAddend<A> addend, T* out, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; i++)
    out[i] = saturated<T>(static_cast<float>(sums[i]) * to.factor[i] + to.offset[i] +
                              (static_cast<float>(addend.values[i]) - addend.zero_point) * addend.scale,
                          to);
}

// Plain functions under names of their own, as multiversioning wants them.
OCTAVO_MULTIVERSION void requantize_u8(const int32_t* s, const Requantization& to, uint8_t* out, int64_t n) {
  plain(s, to, out, n);
}
OCTAVO_MULTIVERSION void requantize_s8(const int32_t* s, const Requantization& to, int8_t* out, int64_t n) {
  plain(s, to, out, n);
}
OCTAVO_MULTIVERSION void add_u8_u8(const int32_t* s, const Requantization& to,
                                   const IntegerAddend<uint8_t>& a, uint8_t* out, int64_t n) {
  with_addend(s, to, a, out, n);
}
OCTAVO_MULTIVERSION void add_s8_u8(const int32_t* s, const Requantization& to, const IntegerAddend<int8_t>& a,
                                   uint8_t* out, int64_t n) {
  with_addend(s, to, a, out, n);
}
OCTAVO_MULTIVERSION void add_u8_s8(const int32_t* s, const Requantization& to,
                                   const IntegerAddend<uint8_t>& a, int8_t* out, int64_t n) {
  with_addend(s, to, a, out, n);
}
OCTAVO_MULTIVERSION void add_s8_s8(const int32_t* s, const Requantization& to, const IntegerAddend<int8_t>& a,
                                   int8_t* out, int64_t n) {
  with_addend(s, to, a, out, n);
}
}  // namespace

void requantize_sums(const int32_t* sums, const Requantization& to, uint8_t* out, int64_t n) {
  requantize_u8(sums, to, out, n);
}
void requantize_sums(const int32_t* sums, const Requantization& to, int8_t* out, int64_t n) {
  requantize_s8(sums, to, out, n);
}
void requantize_sums(const int32_t* sums, const Requantization& to, IntegerAddend<uint8_t> addend,
                     uint8_t* out, int64_t n) {
  add_u8_u8(sums, to, addend, out, n);
}
void requantize_sums(const int32_t* sums, const Requantization& to, IntegerAddend<int8_t> addend,
                     uint8_t* out, int64_t n) {
  add_s8_u8(sums, to, addend, out, n);
}
void requantize_sums(const int32_t* sums, const Requantization& to, IntegerAddend<uint8_t> addend,
                     int8_t* out, int64_t n) {
  add_u8_s8(sums, to, addend, out, n);
}
void requantize_sums(const int32_t* sums, const Requantization& to, IntegerAddend<int8_t> addend, int8_t* out,
                     int64_t n) {
  add_s8_s8(sums, to, addend, out, n);
}

OCTAVO_MULTIVERSION void scale_sums(const int32_t* sums, const float* factor, const float* offset, float* out,
                                    int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = static_cast<float>(sums[i]) * factor[i] + offset[i];
}

OCTAVO_MULTIVERSION void add_scaled_row(const float* a, float scale, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] += a[i] * scale;
}

}  // namespace octavo::kernels
