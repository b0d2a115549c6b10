#include "kernels/transpose.h"

#include <cstring>

#include "kernels/multiversion.h"

namespace octavo::kernels {

namespace {
// Few rows (the three colours of an image): the inner loop is unrolled.
template <typename T, int Rows>
OCTAVO_INLINE void interleave(const T* __restrict src, int64_t src_step, T* __restrict dst, int64_t dst_step,
                              int64_t columns) {
  if (dst_step == Rows) {
    for (int64_t column = 0; column < columns; column++)
      for (int row = 0; row < Rows; row++) dst[column * Rows + row] = src[row * src_step + column];
  } else {
    for (int64_t column = 0; column < columns; column++)
      for (int row = 0; row < Rows; row++) dst[column * dst_step + row] = src[row * src_step + column];
  }
}

template <typename T>
OCTAVO_INLINE void transpose_typed(const T* __restrict src, int64_t src_step, T* __restrict dst,
                                   int64_t dst_step, int64_t rows, int64_t columns) {
  switch (rows) {
    case 1:
      return interleave<T, 1>(src, src_step, dst, dst_step, columns);
    case 2:
      return interleave<T, 2>(src, src_step, dst, dst_step, columns);
    case 3:
      return interleave<T, 3>(src, src_step, dst, dst_step, columns);
    case 4:
      return interleave<T, 4>(src, src_step, dst, dst_step, columns);
  }
  for (int64_t column = 0; column < columns; column++)
    for (int64_t row = 0; row < rows; row++) dst[column * dst_step + row] = src[row * src_step + column];
}

OCTAVO_MULTIVERSION void transpose_8(const uint8_t* src, int64_t src_step, uint8_t* dst, int64_t dst_step,
                                     int64_t rows, int64_t columns) {
  transpose_typed(src, src_step, dst, dst_step, rows, columns);
}
OCTAVO_MULTIVERSION void transpose_16(const uint16_t* src, int64_t src_step, uint16_t* dst, int64_t dst_step,
                                      int64_t rows, int64_t columns) {
  transpose_typed(src, src_step, dst, dst_step, rows, columns);
}
OCTAVO_MULTIVERSION void transpose_32(const uint32_t* src, int64_t src_step, uint32_t* dst, int64_t dst_step,
                                      int64_t rows, int64_t columns) {
  transpose_typed(src, src_step, dst, dst_step, rows, columns);
}
OCTAVO_MULTIVERSION void transpose_64(const uint64_t* src, int64_t src_step, uint64_t* dst, int64_t dst_step,
                                      int64_t rows, int64_t columns) {
  transpose_typed(src, src_step, dst, dst_step, rows, columns);
}

template <int Bytes>
void gather_fixed(const char* src, int64_t src_step, char* dst, int64_t dst_step, int64_t count) {
  for (int64_t i = 0; i < count; i++) std::memcpy(dst + i * dst_step, src + i * src_step, Bytes);
}
}  // namespace

void transpose(int64_t element_bytes, const void* src, int64_t src_step, void* dst, int64_t dst_step,
               int64_t rows, int64_t columns) {
  switch (element_bytes) {
    case 1:
      return transpose_8(static_cast<const uint8_t*>(src), src_step, static_cast<uint8_t*>(dst), dst_step,
                         rows, columns);
    case 2:
      return transpose_16(static_cast<const uint16_t*>(src), src_step, static_cast<uint16_t*>(dst), dst_step,
                          rows, columns);
    case 4:
      return transpose_32(static_cast<const uint32_t*>(src), src_step, static_cast<uint32_t*>(dst), dst_step,
                          rows, columns);
    default:
      return transpose_64(static_cast<const uint64_t*>(src), src_step, static_cast<uint64_t*>(dst), dst_step,
                          rows, columns);
  }
}

void gather(int64_t element_bytes, const void* src, int64_t src_step, void* dst, int64_t dst_step,
            int64_t count) {
  const char* in = static_cast<const char*>(src);
  char* out = static_cast<char*>(dst);
  switch (element_bytes) {
    case 1:
      return gather_fixed<1>(in, src_step, out, dst_step, count);
    case 2:
      return gather_fixed<2>(in, src_step, out, dst_step, count);
    case 4:
      return gather_fixed<4>(in, src_step, out, dst_step, count);
    default:
      return gather_fixed<8>(in, src_step, out, dst_step, count);
  }
}

}  // namespace octavo::kernels
