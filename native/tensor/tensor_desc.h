// A tensor as a step sees it: element type, logical shape, strides. No data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace octavo {

using Dims = std::vector<int64_t>;

enum class DType { f32, f64, f16, bf16, u8, s8, u16, s16, s32, s64, boolean };
constexpr size_t kDTypeCount = 11;

// From and to the names that lib/tensor/dtype.ts uses. Unknown names throw std::invalid_argument.
DType dtype_from_name(const std::string& name);
const char* dtype_name(DType dtype);
size_t dtype_size(DType dtype);
// The 8-bit integers that hold quantized values.
inline bool is_byte(DType dtype) { return dtype == DType::u8 || dtype == DType::s8; }
inline bool is_floating_point(DType dtype) {
  return dtype == DType::f32 || dtype == DType::f64 || dtype == DType::f16 || dtype == DType::bf16;
}

struct TensorDesc {
  DType dtype = DType::f32;
  Dims shape;    // logical: NCHW for images, whatever the memory order
  Dims strides;  // in elements, one per extent

  int64_t numel() const;
  // Bytes from the first element to the end of the last one.
  size_t span_bytes() const;
  // Whether the elements lie row-major without gaps.
  bool is_contiguous() const;
  // "u8[1, 64, 56, 56]", for error messages.
  std::string to_string() const;
};

Dims row_major_strides(const Dims& shape);
// The same tensor, dense and row-major.
TensorDesc row_major(TensorDesc desc);
// An image [N, C, H, W], or a volume [N, C, D, H, W], dense, its channels next to each other.
TensorDesc channels_last(TensorDesc image);
// The same layout if channels are next to each other, channels-last otherwise.
TensorDesc with_adjacent_channels(const TensorDesc& image);

}  // namespace octavo
