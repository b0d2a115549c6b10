#include "kernels/row_conversion.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>

#include "kernels/half_float.h"
#include "kernels/lookup.h"
#include "kernels/multiversion.h"
#include "kernels/pixel_quantization.h"
#include "kernels/quantization.h"

namespace octavo::kernels {

namespace {
constexpr int64_t kChunk = 512;  // floats of intermediate results, which fit the first-level cache

template <typename T>
OCTAVO_INLINE void load(const T* __restrict src, float* __restrict dst, int64_t n, float scale, float zp) {
  for (int64_t i = 0; i < n; i++) dst[i] = (static_cast<float>(src[i]) - zp) * scale;
}

template <typename T>
OCTAVO_INLINE void store(const float* __restrict src, T* __restrict dst, int64_t n, const Quantization to) {
  for (int64_t i = 0; i < n; i++) dst[i] = static_cast<T>(quantized(src[i], to));
}

template <typename T>
OCTAVO_INLINE void clamp(const T* src, T* dst, int64_t n, T low, T high) {
  for (int64_t i = 0; i < n; i++) dst[i] = std::min(std::max(src[i], low), high);
}

// Plain functions, which multiversioning needs.
OCTAVO_MULTIVERSION void clamp_u8(const uint8_t* src, uint8_t* dst, int64_t n, uint8_t low, uint8_t high) {
  clamp(src, dst, n, low, high);
}
OCTAVO_MULTIVERSION void clamp_s8(const int8_t* src, int8_t* dst, int64_t n, int8_t low, int8_t high) {
  clamp(src, dst, n, low, high);
}
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

Quantization quantization(float inv_scale, float zero_point, QuantRange range) {
  return {inv_scale, zero_point, static_cast<float>(range.min), upper_bound(range.max)};
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

RowConversion RowConversion::move(DType dtype) { return RowConversion(&move_bytes, dtype, dtype); }

RowConversion RowConversion::lookup(DType from, DType to, const uint8_t* table) {
  if (dtype_size(from) != 1 || dtype_size(to) != 1)
    throw std::invalid_argument(std::string("a table of 256 is for bytes, not from ") + dtype_name(from) +
                                " to " + dtype_name(to));
  RowConversion conversion(&look_up, from, to);
  conversion.table_ = table;
  return conversion;
}

RowConversion RowConversion::clamp(DType byte, QuantRange range) {
  if (!is_byte(byte))
    throw std::invalid_argument(std::string("only bytes are clamped, not ") + dtype_name(byte));
  RowConversion conversion(&clamp_bytes, byte, byte);
  conversion.range_ = range;
  return conversion;
}

RowConversion RowConversion::affine(DType from, Affine source, DType to, Affine target, QuantRange range) {
  for (DType dtype : {from, to})
    if (!converts_through_float(dtype))
      throw std::invalid_argument(std::string("cannot quantize or dequantize ") + dtype_name(dtype));
  RowConversion conversion(&through_float, from, to);
  conversion.scale_ = static_cast<float>(source.scale);
  conversion.zero_point_ = static_cast<float>(source.zero_point);
  // PyTorch divides in double precision, then multiplies in single.
  conversion.inv_scale_ = static_cast<float>(1.0 / target.scale);
  conversion.out_zero_point_ = static_cast<float>(target.zero_point);
  conversion.range_ = range;
  return conversion;
}

bool RowConversion::weaves(int64_t rows) const {
  return kernel_ == &through_float && from_ == DType::f32 && is_byte(to_) && 2 <= rows &&
         rows <= kPixelChannels;
}

void RowConversion::weave(const void* src, int64_t src_step, void* dst, int64_t rows, int64_t n) const {
  quantize_pixels(static_cast<const float*>(src), src_step, static_cast<uint8_t*>(dst), rows, n,
                  quantization(inv_scale_, out_zero_point_, range_));
}

void RowConversion::move_bytes(const RowConversion& self, const void* src, void* dst, int64_t n) {
  std::memcpy(dst, src, static_cast<size_t>(n) * dtype_size(self.from_));
}

void RowConversion::look_up(const RowConversion& self, const void* src, void* dst, int64_t n) {
  lookup_row(self.table_, static_cast<const uint8_t*>(src), static_cast<uint8_t*>(dst), n);
}

void RowConversion::clamp_bytes(const RowConversion& self, const void* src, void* dst, int64_t n) {
  const auto [low, high] = self.range_;
  if (self.from_ == DType::u8)
    clamp_u8(static_cast<const uint8_t*>(src), static_cast<uint8_t*>(dst), n, static_cast<uint8_t>(low),
             static_cast<uint8_t>(high));
  else
    clamp_s8(static_cast<const int8_t*>(src), static_cast<int8_t*>(dst), n, static_cast<int8_t>(low),
             static_cast<int8_t>(high));
}

void RowConversion::through_float(const RowConversion& self, const void* src, void* dst, int64_t n) {
  if (self.from_ == DType::f32)
    return store_row(self.to_, static_cast<const float*>(src), dst, n, self.inv_scale_, self.out_zero_point_,
                     self.range_);
  if (self.to_ == DType::f32)
    return load_row(self.from_, src, static_cast<float*>(dst), n, self.scale_, self.zero_point_);
  alignas(64) float chunk[kChunk];
  for (int64_t begin = 0; begin < n; begin += kChunk) {
    const int64_t count = std::min(kChunk, n - begin);
    load_row(self.from_, static_cast<const char*>(src) + begin * dtype_size(self.from_), chunk, count,
             self.scale_, self.zero_point_);
    store_row(self.to_, chunk, static_cast<char*>(dst) + begin * dtype_size(self.to_), count, self.inv_scale_,
              self.out_zero_point_, self.range_);
  }
}

}  // namespace octavo::kernels
