// Interleaves rows of vectors: transposes blocks of small elements without moving them one at a time.
// For the bodies of multiversioned functions. Uses plain vectors of the compiler, which become its
// shuffles.
#pragma once

#include <cstdint>
#include <cstring>
#include <utility>

#include "kernels/multiversion.h"

namespace octavo::kernels {

constexpr int kVectorBytes = 16;  // wider shuffles stay within 16 bytes until AVX-512 VBMI

template <typename T>
struct VectorOf {
  typedef T type __attribute__((vector_size(kVectorBytes)));
};
template <typename T>
using Vector = typename VectorOf<T>::type;

// Elements in a vector.
template <typename T>
constexpr int kVectorLength = kVectorBytes / static_cast<int>(sizeof(T));

template <typename T>
OCTAVO_INLINE Vector<T> load_vector(const T* from) {
  Vector<T> v;
  std::memcpy(&v, from, sizeof(v));
  return v;
}

template <typename T>
OCTAVO_INLINE void store_vector(Vector<T> v, T* to) {
  std::memcpy(to, &v, sizeof(v));
}

// a[0], b[0], a[1], b[1], ... of their lower (0) or upper (1) halves.
template <typename T, int Half, int... I>
OCTAVO_INLINE Vector<T> zip_half(Vector<T> a, Vector<T> b, std::integer_sequence<int, I...>) {
  constexpr int length = kVectorLength<T>;
  return __builtin_shuffle(a, b, Vector<T>{static_cast<T>(Half * length / 2 + I / 2 + I % 2 * length)...});
}

// For three rows: the source position of element `lane` of the interleaved vector `part`.
template <typename T>
struct ThreeRows {
  static constexpr int length = kVectorLength<T>;
  static constexpr int row(int part, int lane) { return (part * length + lane) % 3; }
  static constexpr int column(int part, int lane) { return (part * length + lane) / 3; }
  // No lane reads from a row in two parts, since 3 does not divide `length`. Once the elements are in
  // this order, all parts read them in place.
  static constexpr int order(int from, int lane) {
    return row(0, lane) == from ? column(0, lane) : row(1, lane) == from ? column(1, lane) : column(2, lane);
  }
};

template <typename T, int Row, int... I>
OCTAVO_INLINE Vector<T> order_lanes(Vector<T> v, std::integer_sequence<int, I...>) {
  return __builtin_shuffle(v, Vector<T>{static_cast<T>(ThreeRows<T>::order(Row, I))...});
}

// Selects lanes of b where the interleaved vector `Part` reads from `Row`, and lanes of a elsewhere.
template <typename T, int Part, int Row, int... I>
OCTAVO_INLINE Vector<T> put_lanes(Vector<T> a, Vector<T> b, std::integer_sequence<int, I...>) {
  return __builtin_shuffle(
      a, b, Vector<T>{static_cast<T>(ThreeRows<T>::row(Part, I) == Row ? I + kVectorLength<T> : I)...});
}

template <typename T>
OCTAVO_INLINE void zip_three_rows(Vector<T> (&rows)[3]) {
  constexpr auto lanes = std::make_integer_sequence<int, kVectorLength<T>>{};
  const Vector<T> a = order_lanes<T, 0>(rows[0], lanes), b = order_lanes<T, 1>(rows[1], lanes),
                  c = order_lanes<T, 2>(rows[2], lanes);
  rows[0] = put_lanes<T, 0, 2>(put_lanes<T, 0, 1>(a, b, lanes), c, lanes);
  rows[1] = put_lanes<T, 1, 2>(put_lanes<T, 1, 1>(a, b, lanes), c, lanes);
  rows[2] = put_lanes<T, 2, 2>(put_lanes<T, 2, 1>(a, b, lanes), c, lanes);
}

// Interleaves vectors of `Rows` rows, three or a power of two. On return consecutive vectors hold the
// first elements of all rows, then the second ones, ...
template <typename T, int Rows>
OCTAVO_INLINE void zip_rows(Vector<T> (&rows)[Rows]) {
  if constexpr (Rows == 3) return zip_three_rows<T>(rows);
  constexpr auto lanes = std::make_integer_sequence<int, kVectorLength<T>>{};
  for (int stage = 1; stage < Rows; stage *= 2) {
    Vector<T> zipped[Rows];
    for (int i = 0; i < Rows / 2; i++) {
      zipped[2 * i] = zip_half<T, 0>(rows[i], rows[i + Rows / 2], lanes);
      zipped[2 * i + 1] = zip_half<T, 1>(rows[i], rows[i + Rows / 2], lanes);
    }
    for (int i = 0; i < Rows; i++) rows[i] = zipped[i];
  }
}

}  // namespace octavo::kernels
