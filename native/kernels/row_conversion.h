// Converts a row of contiguous elements to another type: move, cast, quantize, dequantize, requantize.
#pragma once

#include <cstdint>

#include "kernels/float_rows.h"
#include "tensor/tensor_desc.h"

namespace octavo::kernels {

// real = (stored - zero_point) * scale; the identity for floating point. The zero point is a whole
// number, except for embedding tables, whose rows keep their minimum exactly.
struct Affine {
  double scale = 1;
  double zero_point = 0;
};

class RowConversion {
 public:
  // Moves elements unchanged.
  static RowConversion move(DType dtype);
  // Converts as static_cast does; to 16-bit floating point by rounding to nearest even.
  static RowConversion cast(DType from, DType to);
  // Maps every byte through a table of 256 entries, which must outlive the conversion.
  static RowConversion lookup(DType from, DType to, const uint8_t* table);
  // Clamps bytes of one dtype to a range.
  static RowConversion clamp(DType byte, QuantRange range);
  // Rounds as PyTorch's quantized_decomposed operators do: q = clamp(round_half_even(x * (1 / scale)) + zp).
  static RowConversion affine(DType from, Affine source, DType to, Affine target, QuantRange range);

  void operator()(const void* src, void* dst, int64_t n) const { kernel_(*this, src, dst, n); }
  // Converts several rows, the beginnings of which are so many elements apart.
  void rows(const void* src, int64_t src_step, void* dst, int64_t dst_step, int64_t count, int64_t n) const;
  // Whether `rows` rows can be converted and interleaved at once, which is faster than one after the
  // other.
  bool weaves(int64_t rows) const;
  // Interleaves rows that are `src_step` elements apart: element i of every row precedes element i + 1
  // of any.
  void weave(const void* src, int64_t src_step, void* dst, int64_t rows, int64_t n) const;
  DType from() const { return from_; }
  DType to() const { return to_; }

 private:
  using Kernel = void (*)(const RowConversion&, const void*, void*, int64_t);
  RowConversion(Kernel kernel, DType from, DType to) : kernel_(kernel), from_(from), to_(to) {}

  static void move_bytes(const RowConversion& self, const void* src, void* dst, int64_t n);
  static void look_up(const RowConversion& self, const void* src, void* dst, int64_t n);
  static void clamp_bytes(const RowConversion& self, const void* src, void* dst, int64_t n);
  static void through_float(const RowConversion& self, const void* src, void* dst, int64_t n);

  Kernel kernel_;
  DType from_, to_;
  float scale_ = 1, zero_point_ = 0;          // of the source
  float inv_scale_ = 1, out_zero_point_ = 0;  // of the destination
  QuantRange range_ = {0, 0};
  const uint8_t* table_ = nullptr;
};

}  // namespace octavo::kernels
