#include "kernels/row_conversion.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

#include "kernels/lookup.h"
#include "kernels/multiversion.h"
#include "kernels/pixel_quantization.h"

namespace octavo::kernels {

namespace {
constexpr int64_t kChunk = 512;  // floats of intermediate results, which fit the first-level cache

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

// Calls body with a value of the C++ type that stores `dtype`; 16-bit floats are excluded.
template <typename Body>
void with_type(DType dtype, const Body& body) {
  switch (dtype) {
    case DType::f32:
      return body(float{});
    case DType::f64:
      return body(double{});
    case DType::u8:
      return body(uint8_t{});
    case DType::s8:
      return body(int8_t{});
    case DType::u16:
      return body(uint16_t{});
    case DType::s16:
      return body(int16_t{});
    case DType::s32:
      return body(int32_t{});
    case DType::s64:
      return body(int64_t{});
    case DType::boolean:
      return body(bool{});
    default:
      throw std::invalid_argument(std::string("cannot cast ") + dtype_name(dtype));
  }
}
}  // namespace

RowConversion RowConversion::move(DType dtype) { return RowConversion(&move_bytes, dtype, dtype); }

RowConversion RowConversion::cast(DType from, DType to) {
  if (from == to) return move(from);
  const auto is_half = [](DType dtype) { return dtype == DType::bf16 || dtype == DType::f16; };
  const bool via_float = (is_half(from) && to == DType::f32) || (from == DType::f32 && is_half(to));
  if (via_float) return RowConversion(&through_float, from, to);
  RowConversion conversion(nullptr, from, to);
  with_type(from, [&](auto source) {
    with_type(to, [&](auto target) {
      using From = decltype(source);
      using To = decltype(target);
      conversion.kernel_ = [](const RowConversion&, const void* src, void* dst, int64_t n) {
        const From* in = static_cast<const From*>(src);
        To* out = static_cast<To*>(dst);
        for (int64_t i = 0; i < n; i++) out[i] = static_cast<To>(in[i]);
      };
    });
  });
  return conversion;
}

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
