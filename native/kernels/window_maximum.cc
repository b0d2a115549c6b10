#include "kernels/window_maximum.h"

#include <cstring>
#include <limits>

#include "kernels/multiversion.h"

namespace octavo::kernels {

namespace {
// The maxima of `Lanes` channels. Arrays would do, if the compiler did not copy them through memory.
template <typename T, int Lanes>
struct Maxima {
  typedef T Vector __attribute__((vector_size(Lanes * sizeof(T))));
  Vector values;
  // Comparisons with NaN are false, so that it would be passed over. Of integers none is unequal to itself,
  // which the compiler knows.
  decltype(values != values) is_nan;

  OCTAVO_INLINE explicit Maxima(const T* first) {
    std::memcpy(&values, first, sizeof values);
    is_nan = values != values;
  }
  OCTAVO_INLINE void include(const T* pixel) {
    Vector others;
    std::memcpy(&others, pixel, sizeof others);
    is_nan |= others != others;
    values = others > values ? others : values;
  }
  OCTAVO_INLINE void store(T* results) const {
    const Vector kept = is_nan ? Vector{} + std::numeric_limits<T>::quiet_NaN() : values;
    std::memcpy(results, &kept, sizeof kept);
  }
};

template <typename T>
struct Maxima<T, 1> {
  T value;

  OCTAVO_INLINE explicit Maxima(const T* first) : value(*first) {}
  OCTAVO_INLINE void include(const T* pixel) { value = *pixel > value || *pixel != *pixel ? *pixel : value; }
  OCTAVO_INLINE void store(T* result) const { *result = value; }
};

// As many channels as there are in blocks of `Lanes`, then in smaller ones. Side: rows and columns, where
// they are known to the compiler.
template <typename T, int Lanes, int Side>
OCTAVO_INLINE void maximum_in_blocks(const PixelWindows& windows, const T* pixels, T* results,
                                     int64_t channels) {
  const int64_t rows = Side ? Side : windows.rows, columns = Side ? Side : windows.columns;
  int64_t begin = 0;
  for (; begin + Lanes <= channels; begin += Lanes) {
    Maxima<T, Lanes> maxima(pixels + begin);
    for (int64_t row = 0; row < rows; row++)
      for (int64_t column = 0; column < columns; column++)
        maxima.include(pixels + row * windows.row_step + column * windows.column_step + begin);
    maxima.store(results + begin);
  }
  if constexpr (Lanes > 1)
    if (begin < channels)
      maximum_in_blocks<T, Lanes * sizeof(T) == 8 ? 1 : Lanes / 2, Side>(windows, pixels + begin,
                                                                         results + begin, channels - begin);
}

template <typename T, int Side>
OCTAVO_INLINE void maximum_of_each(const PixelWindows& windows, const T* pixels, T* results,
                                   int64_t channels) {
  for (int64_t i = 0; i < windows.count; i++)
    maximum_in_blocks<T, 32 / sizeof(T), Side>(windows, pixels + i * windows.advance,
                                               results + i * windows.result_advance, channels);
}

// `windows` is a copy, which no result can overwrite.
template <typename T>
OCTAVO_INLINE void maximum(const PixelWindows windows, const T* pixels, T* results, int64_t channels) {
  if (windows.rows == 2 && windows.columns == 2)
    return maximum_of_each<T, 2>(windows, pixels, results, channels);
  if (windows.rows == 3 && windows.columns == 3)
    return maximum_of_each<T, 3>(windows, pixels, results, channels);
  maximum_of_each<T, 0>(windows, pixels, results, channels);
}

OCTAVO_MULTIVERSION void maximum_u8(const PixelWindows& windows, const uint8_t* pixels, uint8_t* results,
                                    int64_t channels) {
  maximum(windows, pixels, results, channels);
}
OCTAVO_MULTIVERSION void maximum_s8(const PixelWindows& windows, const int8_t* pixels, int8_t* results,
                                    int64_t channels) {
  maximum(windows, pixels, results, channels);
}
OCTAVO_MULTIVERSION void maximum_f32(const PixelWindows& windows, const float* pixels, float* results,
                                     int64_t channels) {
  maximum(windows, pixels, results, channels);
}
}  // namespace

bool has_maximum_of_windows(DType dtype) { return is_byte(dtype) || dtype == DType::f32; }

void maximum_of_windows(const PixelWindows& windows, DType dtype, const void* pixels, void* results,
                        int64_t channels) {
  switch (dtype) {
    case DType::u8:
      return maximum_u8(windows, static_cast<const uint8_t*>(pixels), static_cast<uint8_t*>(results),
                        channels);
    case DType::s8:
      return maximum_s8(windows, static_cast<const int8_t*>(pixels), static_cast<int8_t*>(results), channels);
    default:
      return maximum_f32(windows, static_cast<const float*>(pixels), static_cast<float*>(results), channels);
  }
}

}  // namespace octavo::kernels
