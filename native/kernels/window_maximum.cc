#include "kernels/window_maximum.h"

#include <cstring>
#include <limits>

#include "kernels/half_float.h"
#include "kernels/multiversion.h"

namespace octavo::kernels {

namespace {
constexpr size_t kVector = 32;  // bytes

struct Bf16 {
  uint16_t bits;
};

// The largest so far, in each of T's lanes. Comparisons with NaN are false and would skip it, so is_nan
// remembers it. An integer is never unequal to itself, which the compiler knows.
template <typename T, int Lanes>
struct Best {
  typedef T Vector __attribute__((vector_size(Lanes * sizeof(T))));
  Vector values;
  decltype(values != values) is_nan;

  OCTAVO_INLINE explicit Best(const Vector& first) : values(first), is_nan(first != first) {}
  OCTAVO_INLINE void include(const Vector& others) {
    is_nan |= others != others;
    values = others > values ? others : values;
  }
  OCTAVO_INLINE void finish() { values = is_nan ? Vector{} + std::numeric_limits<T>::quiet_NaN() : values; }
};

// How elements are loaded into vectors that can be compared, and stored again. Arrays in place of
// vectors would do, if the compiler did not copy them through memory.
template <typename T, int Lanes>
struct Elements {
  using Number = T;
  using Vector = typename Best<T, Lanes>::Vector;
  static OCTAVO_INLINE void load(const T* from, Vector& to) { std::memcpy(&to, from, sizeof to); }
  static OCTAVO_INLINE void store(const Vector& from, T* to) { std::memcpy(to, &from, sizeof from); }
};

template <int Lanes>
struct Elements<Bf16, Lanes> {
  using Words = typename Best<uint16_t, Lanes>::Vector;
  using Bits = typename Best<uint32_t, Lanes>::Vector;
  using Number = float;
  using Vector = typename Best<float, Lanes>::Vector;
  static OCTAVO_INLINE void load(const Bf16* from, Vector& to) {
    Words words;
    std::memcpy(&words, from, sizeof words);
    to = reinterpret_cast<Vector>(__builtin_convertvector(words, Bits) << 16);
  }
  static OCTAVO_INLINE void store(const Vector& from, Bf16* to) {
    const Words words = __builtin_convertvector(reinterpret_cast<Bits>(from) >> 16, Words);
    std::memcpy(to, &words, sizeof words);
  }
};

template <>
struct Elements<Bf16, 1> {
  using Number = float;
  using Vector = Best<float, 1>::Vector;
  static OCTAVO_INLINE void load(const Bf16* from, Vector& to) { to[0] = from_bf16(from->bits); }
  static OCTAVO_INLINE void store(const Vector& from, Bf16* to) { to->bits = to_bf16(from[0]); }
};

// Processes as many channels as possible in blocks of `Lanes`, then in smaller ones. Side: rows and
// columns, if they are known to the compiler.
template <typename T, int Lanes, int Side>
OCTAVO_INLINE void maximum_in_blocks(const PixelWindows& windows, const T* pixels, T* results,
                                     int64_t channels) {
  const int64_t rows = Side ? Side : windows.rows, columns = Side ? Side : windows.columns;
  int64_t begin = 0;
  using Loaded = Elements<T, Lanes>;
  for (; begin + Lanes <= channels; begin += Lanes) {
    typename Loaded::Vector numbers;
    Loaded::load(pixels + begin, numbers);
    Best<typename Loaded::Number, Lanes> best(numbers);
    for (int64_t row = 0; row < rows; row++)
      for (int64_t column = 0; column < columns; column++) {
        Loaded::load(pixels + row * windows.row_step + column * windows.column_step + begin, numbers);
        best.include(numbers);
      }
    best.finish();
    Loaded::store(best.values, results + begin);
  }
  if constexpr (Lanes > 1)
    if (begin < channels)
      maximum_in_blocks<T, sizeof(typename Loaded::Vector) == 8 ? 1 : Lanes / 2, Side>(
          windows, pixels + begin, results + begin, channels - begin);
}

template <typename T, int Side>
OCTAVO_INLINE void maximum_of_each(const PixelWindows& windows, const T* pixels, T* results,
                                   int64_t channels) {
  for (int64_t i = 0; i < windows.count; i++)
    maximum_in_blocks<T, kVector / sizeof(typename Elements<T, 1>::Number), Side>(
        windows, pixels + i * windows.advance, results + i * windows.result_advance, channels);
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
OCTAVO_MULTIVERSION void maximum_s32(const PixelWindows& windows, const int32_t* pixels, int32_t* results,
                                     int64_t channels) {
  maximum(windows, pixels, results, channels);
}
OCTAVO_MULTIVERSION void maximum_f32(const PixelWindows& windows, const float* pixels, float* results,
                                     int64_t channels) {
  maximum(windows, pixels, results, channels);
}
OCTAVO_MULTIVERSION void maximum_bf16(const PixelWindows& windows, const Bf16* pixels, Bf16* results,
                                      int64_t channels) {
  maximum(windows, pixels, results, channels);
}
}  // namespace

bool has_maximum_of_windows(DType dtype) {
  return is_byte(dtype) || dtype == DType::s32 || dtype == DType::f32 || dtype == DType::bf16;
}

void maximum_of_windows(const PixelWindows& windows, DType dtype, const void* pixels, void* results,
                        int64_t channels) {
  switch (dtype) {
    case DType::u8:
      return maximum_u8(windows, static_cast<const uint8_t*>(pixels), static_cast<uint8_t*>(results),
                        channels);
    case DType::s8:
      return maximum_s8(windows, static_cast<const int8_t*>(pixels), static_cast<int8_t*>(results), channels);
    case DType::s32:
      return maximum_s32(windows, static_cast<const int32_t*>(pixels), static_cast<int32_t*>(results),
                         channels);
    case DType::bf16:
      return maximum_bf16(windows, static_cast<const Bf16*>(pixels), static_cast<Bf16*>(results), channels);
    default:
      return maximum_f32(windows, static_cast<const float*>(pixels), static_cast<float*>(results), channels);
  }
}

}  // namespace octavo::kernels
