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

constexpr int64_t kPiece = 16;      // bytes moved at a time
constexpr int64_t kShortRow = 128;  // bytes: finding out how to copy them would take longer than copying

// Rows of at least one piece. The last piece of a row may overlap the one before.
void move_short_rows(const char* src, int64_t src_step, char* dst, int64_t dst_step, int64_t rows,
                     int64_t bytes) {
  const int64_t last = bytes - kPiece;
  for (int64_t row = 0; row < rows; row++) {
    for (int64_t i = 0; i < last; i += kPiece) std::memcpy(dst + i, src + i, kPiece);
    std::memcpy(dst + last, src + last, kPiece);
    src += src_step;
    dst += dst_step;
  }
}

// Plain functions, which multiversioning needs.
OCTAVO_MULTIVERSION void clamp_u8(const uint8_t* src, uint8_t* dst, int64_t n, uint8_t low, uint8_t high) {
  clamp(src, dst, n, low, high);
}
OCTAVO_MULTIVERSION void clamp_s8(const int8_t* src, int8_t* dst, int64_t n, int8_t low, int8_t high) {
  clamp(src, dst, n, low, high);
}

}  // namespace

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

void RowConversion::rows(const void* src, int64_t src_step, void* dst, int64_t dst_step, int64_t count,
                         int64_t n) const {
  const auto* from = static_cast<const char*>(src);
  auto* into = static_cast<char*>(dst);
  const auto from_size = static_cast<int64_t>(dtype_size(from_)),
             into_size = static_cast<int64_t>(dtype_size(to_));
  const int64_t bytes = n * into_size;
  if (kernel_ == &move_bytes && kPiece <= bytes && bytes <= kShortRow)
    return move_short_rows(from, src_step * from_size, into, dst_step * into_size, count, bytes);
  for (int64_t row = 0; row < count; row++)
    kernel_(*this, from + row * src_step * from_size, into + row * dst_step * into_size, n);
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
