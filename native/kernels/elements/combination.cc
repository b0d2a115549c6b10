#include "kernels/elements/combination.h"

#include <cmath>
#include <limits>
#include <stdexcept>
#include <type_traits>

#include "kernels/half_float.h"

namespace octavo::kernels {

namespace {
// Elements whose arithmetic is that of the type that stores them.
template <typename T>
struct Plain {
  using Stored = T;
  using Value = T;
  static T load(T stored) { return stored; }
  static T store(T value) { return value; }
};

struct Bfloat16 {
  using Stored = uint16_t;
  using Value = float;
  static float load(uint16_t stored) { return from_bf16(stored); }
  static uint16_t store(float value) { return to_bf16(value); }
};

struct Float16 {
  using Stored = uint16_t;
  using Value = float;
  static float load(uint16_t stored) { return from_f16(stored); }
  static uint16_t store(float value) { return to_f16(value); }
};

template <typename T>
bool is_nan(T value) {
  return value != value;
}

// Signed integers wrap around, as PyTorch's do.
template <typename T, typename Operation>
T wrapping(T a, T b, const Operation& operation) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<T>(operation(static_cast<uint64_t>(a), static_cast<uint64_t>(b)));
  else
    return operation(a, b);
}

template <Combination C, typename T>
T combined(T old, T value) {
  if constexpr (C == Combination::sum) return wrapping(old, value, [](auto a, auto b) { return a + b; });
  if constexpr (C == Combination::product) return wrapping(old, value, [](auto a, auto b) { return a * b; });
  if constexpr (C == Combination::maximum) return is_nan(old) || old > value ? old : value;
  if constexpr (C == Combination::minimum) return is_nan(old) || old < value ? old : value;
}

template <Combination C, typename E>
void combine(const char* src, int64_t src_step, char* out, int64_t out_step, const int64_t* offsets,
             int64_t offset_step, int64_t n) {
  const auto* in = reinterpret_cast<const typename E::Stored*>(src);
  auto* to = reinterpret_cast<typename E::Stored*>(out);
  for (int64_t i = 0; i < n; i++) {
    auto& element = to[i * out_step + offsets[i * offset_step]];
    element = E::store(combined<C>(E::load(element), E::load(in[i * src_step])));
  }
}

template <typename T>
void set(const char* src, int64_t src_step, char* out, int64_t out_step, const int64_t* offsets,
         int64_t offset_step, int64_t n) {
  const auto* in = reinterpret_cast<const T*>(src);
  auto* to = reinterpret_cast<T*>(out);
  for (int64_t i = 0; i < n; i++) to[i * out_step + offsets[i * offset_step]] = in[i * src_step];
}

CombineRow set_row(size_t bytes) {
  if (bytes == 1) return set<uint8_t>;
  if (bytes == 2) return set<uint16_t>;
  return bytes == 4 ? set<uint32_t> : set<uint64_t>;
}

// Calls body with the dtype's arithmetic.
template <typename Body>
auto with_arithmetic(DType dtype, const Body& body) {
  switch (dtype) {
    case DType::f32:
      return body(Plain<float>{});
    case DType::f64:
      return body(Plain<double>{});
    case DType::f16:
      return body(Float16{});
    case DType::bf16:
      return body(Bfloat16{});
    case DType::u8:
      return body(Plain<uint8_t>{});
    case DType::s8:
      return body(Plain<int8_t>{});
    case DType::s16:
      return body(Plain<int16_t>{});
    case DType::s32:
      return body(Plain<int32_t>{});
    case DType::s64:
      return body(Plain<int64_t>{});
    default:
      throw std::invalid_argument(std::string("elements of ") + dtype_name(dtype) +
                                  " can only be replaced, not combined");
  }
}

template <typename T>
T quotient(T sum, int32_t count) {
  if constexpr (std::is_integral_v<T>) {
    const auto wide = static_cast<int64_t>(sum);
    return static_cast<T>(wide / count - (wide % count < 0 ? 1 : 0));
  } else {
    return sum / static_cast<T>(count);
  }
}
}  // namespace

CombineRow combine_row(Combination combination, DType dtype) {
  if (combination == Combination::set) return set_row(dtype_size(dtype));
  return with_arithmetic(dtype, [&](auto arithmetic) -> CombineRow {
    using E = decltype(arithmetic);
    switch (combination) {
      case Combination::sum:
        return combine<Combination::sum, E>;
      case Combination::product:
        return combine<Combination::product, E>;
      case Combination::maximum:
        return combine<Combination::maximum, E>;
      default:
        return combine<Combination::minimum, E>;
    }
  });
}

double neutral_value(Combination combination, DType dtype) {
  switch (combination) {
    case Combination::sum:
      return 0;
    case Combination::product:
      return 1;
    case Combination::set:
      throw std::invalid_argument("no value leaves others as they are if it replaces them");
    default:
      break;
  }
  return with_arithmetic(dtype, [&](auto arithmetic) {
    using T = typename decltype(arithmetic)::Value;
    const bool lowest = combination == Combination::maximum;
    if constexpr (std::is_floating_point_v<T>) return lowest ? -HUGE_VAL : HUGE_VAL;
    // A double below 2^63: int64's own maximum is not one.
    if constexpr (sizeof(T) == 8)
      if (!lowest) return std::nextafter(std::ldexp(1.0, 63), 0.0);
    return static_cast<double>(lowest ? std::numeric_limits<T>::min() : std::numeric_limits<T>::max());
  });
}

void divide_by_counts(DType dtype, char* out, const int32_t* counts, int64_t n) {
  with_arithmetic(dtype, [&](auto arithmetic) {
    using E = decltype(arithmetic);
    auto* elements = reinterpret_cast<typename E::Stored*>(out);
    for (int64_t i = 0; i < n; i++)
      if (counts[i] > 1) elements[i] = E::store(quotient(E::load(elements[i]), counts[i]));
  });
}

}  // namespace octavo::kernels
