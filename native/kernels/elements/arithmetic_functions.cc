// Sums, products, powers and extrema. Integers wrap around on overflow.
#include <cmath>

#include "kernels/elements/element_loops.h"

namespace octavo::kernels {

namespace {
struct Add {
  template <typename T>
  static T of(const Parameters&, T a, T b) {
    if constexpr (std::is_floating_point_v<T>)
      return a + b;
    else
      return static_cast<T>(static_cast<Wrapping<T>>(a) + static_cast<Wrapping<T>>(b));
  }
};

struct Subtract {
  template <typename T>
  static T of(const Parameters&, T a, T b) {
    if constexpr (std::is_floating_point_v<T>)
      return a - b;
    else
      return static_cast<T>(static_cast<Wrapping<T>>(a) - static_cast<Wrapping<T>>(b));
  }
};

struct Multiply {
  template <typename T>
  static T of(const Parameters&, T a, T b) {
    if constexpr (std::is_floating_point_v<T>)
      return a * b;
    else
      return static_cast<T>(static_cast<Wrapping<T>>(a) * static_cast<Wrapping<T>>(b));
  }
};

// a number as an operand.
template <typename T>
T scalar(double value) {
  if constexpr (std::is_floating_point_v<T>)
    return static_cast<T>(value);
  else
    return static_cast<T>(static_cast<int64_t>(value));
}

struct AddScaled {
  template <typename T>
  static T of(const Parameters& p, T a, T b) {
    return Add::of(p, a, Multiply::of(p, scalar<T>(p.alpha), b));
  }
};

struct AddProduct {
  template <typename T>
  static T of(const Parameters& p, T a, T b, T c) {
    return AddScaled::of(p, a, Multiply::of(p, b, c));
  }
};

struct AddQuotient {
  template <typename T>
  static T of(const Parameters& p, T a, T b, T c) {
    return a + static_cast<T>(p.alpha) * b / c;
  }
};

// alpha * a + beta
struct Linear {
  template <typename T>
  static T of(const Parameters& p, T a) {
    return a * static_cast<T>(p.alpha) + static_cast<T>(p.beta);
  }
};

struct Negate {
  template <typename T>
  static T of(const Parameters& p, T a) {
    return std::is_floating_point_v<T> ? -a : Subtract::of(p, T{0}, a);
  }
};

struct Absolute {
  template <typename T>
  static T of(const Parameters& p, T a) {
    if constexpr (std::is_floating_point_v<T>)
      return std::fabs(a);
    else if constexpr (std::is_unsigned_v<T>)
      return a;
    else
      return a < 0 ? Negate::of(p, a) : a;
  }
};

struct Sign {
  template <typename T>
  static T of(const Parameters&, T a) {
    return static_cast<T>((a > 0) - (a < 0));
  }
};

struct Square {
  template <typename T>
  static T of(const Parameters& p, T a) {
    return Multiply::of(p, a, a);
  }
};

struct SquareRoot {
  template <typename T>
  static T of(const Parameters&, T a) {
    return std::sqrt(a);
  }
};

struct ReciprocalSquareRoot {
  template <typename T>
  static T of(const Parameters&, T a) {
    return T{1} / std::sqrt(a);
  }
};

struct Reciprocal {
  template <typename T>
  static T of(const Parameters&, T a) {
    return T{1} / a;
  }
};

// Negative powers of integers are 0, but for those of 1 and -1.
template <typename T>
T integer_power(T base, T exponent) {
  if constexpr (std::is_signed_v<T>)
    if (exponent < 0) return base == 1 ? T{1} : base != -1 ? T{0} : exponent % 2 != 0 ? T{-1} : T{1};
  T result = 1;
  for (T left = exponent; left != 0; left = static_cast<T>(left / 2)) {
    if (left % 2 != 0) result = Multiply::of({}, result, base);
    base = Multiply::of({}, base, base);
  }
  return result;
}

struct Power {
  template <typename T>
  static T of(const Parameters&, T a, T b) {
    if constexpr (std::is_floating_point_v<T>)
      return std::pow(a, b);
    else
      return integer_power(a, b);
  }
};

// alpha * a^beta
struct ScaledPower {
  template <typename T>
  static T of(const Parameters& p, T a) {
    return static_cast<T>(p.alpha) * std::pow(a, static_cast<T>(p.beta));
  }
};

// NaN in either operand results in NaN.
struct Maximum {
  template <typename T>
  static T of(const Parameters&, T a, T b) {
    return a > b || a != a ? a : b;
  }
};

struct Minimum {
  template <typename T>
  static T of(const Parameters&, T a, T b) {
    return a < b || a != a ? a : b;
  }
};

// NaN in one operand results in the other.
struct MaximumOfNumbers {
  template <typename T>
  static T of(const Parameters&, T a, T b) {
    return a > b || b != b ? a : b;
  }
};

struct MinimumOfNumbers {
  template <typename T>
  static T of(const Parameters&, T a, T b) {
    return a < b || b != b ? a : b;
  }
};

struct Clamp {
  template <typename T>
  static T of(const Parameters& p, T a, T b, T c) {
    return Minimum::of(p, Maximum::of(p, a, b), c);
  }
};

// Between a and b, by the weight c.
struct Interpolate {
  template <typename T>
  static T of(const Parameters&, T a, T b, T c) {
    return std::fabs(c) < T{0.5} ? a + c * (b - a) : b - (b - a) * (T{1} - c);
  }
};

struct CopySign {
  template <typename T>
  static T of(const Parameters&, T a, T b) {
    return std::copysign(a, b);
  }
};
}  // namespace

std::vector<ElementFunction> arithmetic_functions() {
  constexpr unsigned kNumbers = kFloats | kIntegers;
  return {
      function<Add, 2, kNumbers>("add"),
      function<Subtract, 2, kNumbers>("sub"),
      function<Multiply, 2, kNumbers>("mul"),
      function<AddScaled, 2, kNumbers>("add_scaled"),
      function<AddProduct, 3, kNumbers>("add_product"),
      function<AddQuotient, 3, kFloats>("add_quotient"),
      function<Linear, 1, kFloats>("linear"),
      function<Negate, 1, kNumbers>("neg"),
      function<Absolute, 1, kAllTypes>("abs"),
      function<Sign, 1, kAllTypes>("sign"),
      function<Square, 1, kNumbers>("square"),
      function<SquareRoot, 1, kFloats>("sqrt"),
      function<ReciprocalSquareRoot, 1, kFloats>("rsqrt"),
      function<Reciprocal, 1, kFloats>("reciprocal"),
      function<Power, 2, kNumbers>("power"),
      function<ScaledPower, 1, kFloats>("pow"),
      function<Maximum, 2, kAllTypes>("max"),
      function<Minimum, 2, kAllTypes>("min"),
      function<MaximumOfNumbers, 2, kAllTypes>("fmax"),
      function<MinimumOfNumbers, 2, kAllTypes>("fmin"),
      function<Clamp, 3, kAllTypes>("clamp"),
      function<Interpolate, 3, kFloats>("lerp"),
      function<CopySign, 2, kFloats>("copysign"),
  };
}

}  // namespace octavo::kernels
