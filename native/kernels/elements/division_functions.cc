// Quotients and remainders, with the roundings of Python and of C. A quotient of integers by 0 is 0 here: who
// calls these loops refuses it.
#include <cmath>

#include "kernels/elements/element_loops.h"

namespace octavo::kernels {

namespace {
// Quotient and remainder of integers, rounded towards 0; the smallest number wraps around where it is divided
// by -1.
template <typename T>
T truncated_quotient(T a, T b) {
  if (b == 0) return 0;
  if constexpr (std::is_signed_v<T>)
    if (b == -1) return static_cast<T>(Wrapping<T>{0} - static_cast<Wrapping<T>>(a));
  return static_cast<T>(a / b);
}

template <typename T>
T truncated_remainder(T a, T b) {
  if (b == 0) return 0;
  if constexpr (std::is_signed_v<T>)
    if (b == -1) return 0;
  return static_cast<T>(a % b);
}

struct Divide {
  template <typename T>
  static T of(const Parameters&, T a, T b) {
    return a / b;
  }
};

// a / alpha
struct DivideByNumber {
  template <typename T>
  static T of(const Parameters& p, T a) {
    return a / static_cast<T>(p.alpha);
  }
};

struct DivideTowardsZero {
  template <typename T>
  static T of(const Parameters&, T a, T b) {
    if constexpr (std::is_floating_point_v<T>)
      return std::trunc(a / b);
    else
      return truncated_quotient(a, b);
  }
};

struct RemainderTowardsZero {
  template <typename T>
  static T of(const Parameters&, T a, T b) {
    if constexpr (std::is_floating_point_v<T>)
      return std::fmod(a, b);
    else
      return truncated_remainder(a, b);
  }
};

// The remainder has the divisor's sign.
struct RemainderDown {
  template <typename T>
  static T of(const Parameters& p, T a, T b) {
    const T remainder = RemainderTowardsZero::of(p, a, b);
    return remainder != 0 && (remainder < 0) != (b < 0) ? static_cast<T>(remainder + b) : remainder;
  }
};

struct DivideDown {
  template <typename T>
  static T of(const Parameters&, T a, T b) {
    if constexpr (std::is_floating_point_v<T>) {
      // The floor of a rounded quotient could be one too large: PyTorch and Python begin with the remainder.
      if (b == 0) return a / b;
      const T remainder = std::fmod(a, b);
      T quotient = (a - remainder) / b;
      if (remainder != 0 && (b < 0) != (remainder < 0)) quotient -= 1;
      if (quotient == 0) return std::copysign(T{0}, a / b);
      const T whole = std::floor(quotient);
      return quotient - whole > T{0.5} ? whole + 1 : whole;
    } else {
      const T remainder = truncated_remainder(a, b);
      const bool rounds = remainder != 0 && (remainder < 0) != (b < 0);
      return static_cast<T>(truncated_quotient(a, b) - (rounds ? 1 : 0));
    }
  }
};

ElementFunction dividing(ElementFunction function) {
  function.divides = true;
  return function;
}
}  // namespace

std::vector<ElementFunction> division_functions() {
  constexpr unsigned kNumbers = kFloats | kIntegers;
  return {
      function<Divide, 2, kFloats>("div"),
      function<DivideByNumber, 1, kFloats>("divide"),
      dividing(function<DivideTowardsZero, 2, kNumbers>("trunc_divide")),
      dividing(function<DivideDown, 2, kNumbers>("floor_divide")),
      dividing(function<RemainderTowardsZero, 2, kNumbers>("fmod")),
      dividing(function<RemainderDown, 2, kNumbers>("remainder")),
  };
}

}  // namespace octavo::kernels
