#include "kernels/transpose.h"

#include <cstring>

#include "kernels/multiversion.h"
#include "kernels/zip.h"

namespace octavo::kernels {

namespace {
// Interleaves `Rows` rows into adjacent columns: the colours of an image's pixels.
template <typename T, int Rows>
OCTAVO_INLINE void weave(const T* src, int64_t src_step, T* dst, int64_t columns) {
  constexpr int64_t length = kVectorLength<T>;
  int64_t column = 0;
  for (; column + length <= columns; column += length) {
    Vector<T> rows[Rows];
    for (int row = 0; row < Rows; row++) rows[row] = load_vector(src + row * src_step + column);
    zip_rows<T>(rows);
    for (int i = 0; i < Rows; i++) store_vector<T>(rows[i], dst + column * Rows + i * length);
  }
  for (; column < columns; column++)
    for (int row = 0; row < Rows; row++) dst[column * Rows + row] = src[row * src_step + column];
}

// The reverse: adjacent columns in short rows, without gaps.
template <typename T, int Columns>
OCTAVO_INLINE void split(const T* __restrict src, T* __restrict dst, int64_t dst_step, int64_t rows) {
  for (int column = 0; column < Columns; column++)
    for (int64_t row = 0; row < rows; row++) dst[column * dst_step + row] = src[row * Columns + column];
}

// `Rows` rows of one vector each.
template <typename T, int Rows>
OCTAVO_INLINE void transpose_block(const T* src, int64_t src_step, T* dst, int64_t dst_step) {
  constexpr int length = kVectorLength<T>;
  Vector<T> rows[Rows];
  for (int row = 0; row < Rows; row++) rows[row] = load_vector(src + row * src_step);
  zip_rows<T>(rows);
  for (int i = 0; i < Rows; i++)
    for (int column = 0; column < length / Rows; column++)
      std::memcpy(dst + (i * (length / Rows) + column) * dst_step,
                  reinterpret_cast<const T*>(&rows[i]) + column * Rows, Rows * sizeof(T));
}

// Processes as many rows as possible in blocks of `Rows`, then in smaller ones, down to single rows.
template <typename T, int Rows>
OCTAVO_INLINE void transpose_columns(const T* src, int64_t src_step, T* dst, int64_t dst_step, int64_t rows) {
  int64_t row = 0;
  for (; row + Rows <= rows; row += Rows)
    transpose_block<T, Rows>(src + row * src_step, src_step, dst + row, dst_step);
  if constexpr (Rows > 1)
    transpose_columns<T, Rows / 2>(src + row * src_step, src_step, dst + row, dst_step, rows - row);
}

template <typename T>
OCTAVO_INLINE void transpose_typed(const T* src, int64_t src_step, T* dst, int64_t dst_step, int64_t rows,
                                   int64_t columns) {
  if (rows == dst_step) {
    if (rows == 2) return weave<T, 2>(src, src_step, dst, columns);
    if (rows == 3) return weave<T, 3>(src, src_step, dst, columns);
    if (rows == 4) return weave<T, 4>(src, src_step, dst, columns);
  }
  if (columns == src_step) {
    if (columns == 2) return split<T, 2>(src, dst, dst_step, rows);
    if (columns == 3) return split<T, 3>(src, dst, dst_step, rows);
    if (columns == 4) return split<T, 4>(src, dst, dst_step, rows);
  }
  constexpr int64_t length = kVectorLength<T>;
  int64_t column = 0;
  for (; column + length <= columns; column += length)
    transpose_columns<T, length>(src + column, src_step, dst + column * dst_step, dst_step, rows);
  for (; column < columns; column++)
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
