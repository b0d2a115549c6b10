#include "kernels/float_rows.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>

#include "kernels/half_float.h"
#include "kernels/multiversion.h"

namespace octavo::kernels {

namespace {
template <typename T>
OCTAVO_INLINE void load(const T* __restrict src, float* __restrict dst, int64_t n, float scale, float zp) {
  for (int64_t i = 0; i < n; i++) dst[i] = (static_cast<float>(src[i]) - zp) * scale;
}

template <typename T>
OCTAVO_INLINE void store(const float* __restrict src, T* __restrict dst, int64_t n, const Quantization to) {
  for (int64_t i = 0; i < n; i++) dst[i] = static_cast<T>(quantized(src[i], to));
}

// Plain functions, which multiversioning needs.
OCTAVO_MULTIVERSION void load_u8(const uint8_t* src, float* dst, int64_t n, float scale, float zp) {
  load(src, dst, n, scale, zp);
}
OCTAVO_MULTIVERSION void load_s8(const int8_t* src, float* dst, int64_t n, float scale, float zp) {
  load(src, dst, n, scale, zp);
}
OCTAVO_MULTIVERSION void load_u16(const uint16_t* src, float* dst, int64_t n, float scale, float zp) {
  load(src, dst, n, scale, zp);
}
OCTAVO_MULTIVERSION void load_s16(const int16_t* src, float* dst, int64_t n, float scale, float zp) {
  load(src, dst, n, scale, zp);
}
OCTAVO_MULTIVERSION void load_s32(const int32_t* src, float* dst, int64_t n, float scale, float zp) {
  load(src, dst, n, scale, zp);
}
OCTAVO_MULTIVERSION void load_bf16(const uint16_t* __restrict src, float* __restrict dst, int64_t n) {
  for (int64_t i = 0; i < n; i++) dst[i] = from_bf16(src[i]);
}
OCTAVO_MULTIVERSION void load_f16(const uint16_t* __restrict src, float* __restrict dst, int64_t n) {
  for (int64_t i = 0; i < n; i++) dst[i] = from_f16(src[i]);
}
OCTAVO_MULTIVERSION void store_u8(const float* src, uint8_t* dst, int64_t n, const Quantization& to) {
  store(src, dst, n, to);
}
OCTAVO_MULTIVERSION void store_s8(const float* src, int8_t* dst, int64_t n, const Quantization& to) {
  store(src, dst, n, to);
}
OCTAVO_MULTIVERSION void store_u16(const float* src, uint16_t* dst, int64_t n, const Quantization& to) {
  store(src, dst, n, to);
}
OCTAVO_MULTIVERSION void store_s16(const float* src, int16_t* dst, int64_t n, const Quantization& to) {
  store(src, dst, n, to);
}
OCTAVO_MULTIVERSION void store_s32(const float* src, int32_t* dst, int64_t n, const Quantization& to) {
  store(src, dst, n, to);
}
// To uint8 from 0 on.
OCTAVO_MULTIVERSION void store_from_zero(const float* __restrict src, uint8_t* __restrict dst, int64_t n,
                                         const Quantization& to) {
  const Quantization q = to;
  const auto zero_point = static_cast<uint8_t>(to.zero_point);
  for (int64_t i = 0; i < n; i++)
    dst[i] = static_cast<uint8_t>(static_cast<uint8_t>(quantized_from_zero(src[i], q)) + zero_point);
}
OCTAVO_MULTIVERSION void store_products_from_zero(const float* __restrict a, const float* __restrict b,
                                                  uint8_t* __restrict dst, int64_t n,
                                                  const Quantization& to) {
  const Quantization q = to;
  const auto zero_point = static_cast<uint8_t>(to.zero_point);
  for (int64_t i = 0; i < n; i++)
    dst[i] = static_cast<uint8_t>(static_cast<uint8_t>(quantized_from_zero(a[i] * b[i], q)) + zero_point);
}
OCTAVO_MULTIVERSION void store_products(const float* __restrict a, const float* __restrict b,
                                        uint8_t* __restrict dst, int64_t n, const Quantization& to) {
  const Quantization q = to;
  for (int64_t i = 0; i < n; i++) dst[i] = static_cast<uint8_t>(quantized(a[i] * b[i], q));
}
OCTAVO_MULTIVERSION void store_bf16(const float* __restrict src, uint16_t* __restrict dst, int64_t n) {
  for (int64_t i = 0; i < n; i++) dst[i] = to_bf16(src[i]);
}
OCTAVO_MULTIVERSION void store_f16(const float* __restrict src, uint16_t* __restrict dst, int64_t n) {
  for (int64_t i = 0; i < n; i++) dst[i] = to_f16(src[i]);
}

// float32 covers every int32, except that 2147483647 itself would round up and overflow.
float upper_bound(int64_t max) {
  const float bound = static_cast<float>(max);
  return static_cast<double>(bound) > static_cast<double>(max) ? std::nextafter(bound, 0.0f) : bound;
}
}  // namespace

QuantRange full_range(DType dtype) {
  switch (dtype) {
    case DType::u8:
      return {0, 255};
    case DType::s8:
      return {-128, 127};
    case DType::u16:
      return {0, 65535};
    case DType::s16:
      return {-32768, 32767};
    case DType::s32:
      return {std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()};
    default:
      throw std::invalid_argument(std::string(dtype_name(dtype)) + " is not a quantized dtype");
  }
}

Quantization quantization(float inv_scale, float zero_point, QuantRange range) {
  return {inv_scale, zero_point, static_cast<float>(range.min), upper_bound(range.max)};
}

bool converts_through_float(DType dtype) {
  switch (dtype) {
    case DType::f32:
    case DType::bf16:
    case DType::u8:
    case DType::s8:
    case DType::u16:
    case DType::s16:
    case DType::s32:
      return true;
    default:
      return false;
  }
}

void load_row(DType dtype, const void* src, float* dst, int64_t n, float scale, float zero_point) {
  switch (dtype) {
    case DType::u8:
      return load_u8(static_cast<const uint8_t*>(src), dst, n, scale, zero_point);
    case DType::s8:
      return load_s8(static_cast<const int8_t*>(src), dst, n, scale, zero_point);
    case DType::u16:
      return load_u16(static_cast<const uint16_t*>(src), dst, n, scale, zero_point);
    case DType::s16:
      return load_s16(static_cast<const int16_t*>(src), dst, n, scale, zero_point);
    case DType::s32:
      return load_s32(static_cast<const int32_t*>(src), dst, n, scale, zero_point);
    case DType::bf16:
      return load_bf16(static_cast<const uint16_t*>(src), dst, n);
    case DType::f16:
      return load_f16(static_cast<const uint16_t*>(src), dst, n);
    default:
      std::memcpy(dst, src, static_cast<size_t>(n) * sizeof(float));
  }
}

void store_row(DType dtype, const float* src, void* dst, int64_t n, float inv_scale, float zero_point,
               QuantRange range) {
  const Quantization to = quantization(inv_scale, zero_point, range);
  switch (dtype) {
    case DType::u8:
      if (to.starts_at_zero()) return store_from_zero(src, static_cast<uint8_t*>(dst), n, to);
      return store_u8(src, static_cast<uint8_t*>(dst), n, to);
    case DType::s8:
      return store_s8(src, static_cast<int8_t*>(dst), n, to);
    case DType::u16:
      return store_u16(src, static_cast<uint16_t*>(dst), n, to);
    case DType::s16:
      return store_s16(src, static_cast<int16_t*>(dst), n, to);
    case DType::s32:
      return store_s32(src, static_cast<int32_t*>(dst), n, to);
    case DType::bf16:
      return store_bf16(src, static_cast<uint16_t*>(dst), n);
    case DType::f16:
      return store_f16(src, static_cast<uint16_t*>(dst), n);
    default:
      std::memcpy(dst, src, static_cast<size_t>(n) * sizeof(float));
  }
}

void store_byte_products(const float* a, const float* b, uint8_t* dst, int64_t n, const Quantization& to) {
  if (to.starts_at_zero()) return store_products_from_zero(a, b, dst, n, to);
  store_products(a, b, dst, n, to);
}

}  // namespace octavo::kernels
