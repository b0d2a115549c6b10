// Comparisons, questions about one number, and logic, of truth values and of bits.
#include <cmath>

#include "kernels/elements/element_loops.h"

namespace octavo::kernels {

namespace {
struct Equal {
  template <typename T>
  static bool of(const Parameters&, T a, T b) {
    return a == b;
  }
};

struct NotEqual {
  template <typename T>
  static bool of(const Parameters&, T a, T b) {
    return a != b;
  }
};

struct Less {
  template <typename T>
  static bool of(const Parameters&, T a, T b) {
    return a < b;
  }
};

struct LessOrEqual {
  template <typename T>
  static bool of(const Parameters&, T a, T b) {
    return a <= b;
  }
};

struct Greater {
  template <typename T>
  static bool of(const Parameters&, T a, T b) {
    return a > b;
  }
};

struct GreaterOrEqual {
  template <typename T>
  static bool of(const Parameters&, T a, T b) {
    return a >= b;
  }
};

struct LogicalAnd {
  template <typename T>
  static bool of(const Parameters&, T a, T b) {
    return (a != 0) & (b != 0);
  }
};

struct LogicalOr {
  template <typename T>
  static bool of(const Parameters&, T a, T b) {
    return (a != 0) | (b != 0);
  }
};

struct LogicalXor {
  template <typename T>
  static bool of(const Parameters&, T a, T b) {
    return (a != 0) != (b != 0);
  }
};

struct LogicalNot {
  template <typename T>
  static bool of(const Parameters&, T a) {
    return a == 0;
  }
};

struct IsNan {
  template <typename T>
  static bool of(const Parameters&, T a) {
    return a != a;
  }
};

struct IsInfinite {
  template <typename T>
  static bool of(const Parameters&, T a) {
    if constexpr (std::is_floating_point_v<T>)
      return std::fabs(a) == T{INFINITY};
    else
      return false;
  }
};

struct IsPositiveInfinity {
  template <typename T>
  static bool of(const Parameters&, T a) {
    if constexpr (std::is_floating_point_v<T>)
      return a == T{INFINITY};
    else
      return false;
  }
};

struct IsNegativeInfinity {
  template <typename T>
  static bool of(const Parameters&, T a) {
    if constexpr (std::is_floating_point_v<T>)
      return a == T{-INFINITY};
    else
      return false;
  }
};

struct IsFinite {
  template <typename T>
  static bool of(const Parameters&, T a) {
    if constexpr (std::is_floating_point_v<T>)
      return std::fabs(a) < T{INFINITY};
    else
      return true;
  }
};

struct SignBit {
  template <typename T>
  static bool of(const Parameters&, T a) {
    if constexpr (std::is_floating_point_v<T>)
      return std::signbit(a);
    else
      return a < 0;
  }
};

struct BitwiseAnd {
  template <typename T>
  static T of(const Parameters&, T a, T b) {
    return static_cast<T>(a & b);
  }
};

struct BitwiseOr {
  template <typename T>
  static T of(const Parameters&, T a, T b) {
    return static_cast<T>(a | b);
  }
};

struct BitwiseXor {
  template <typename T>
  static T of(const Parameters&, T a, T b) {
    return static_cast<T>(a ^ b);
  }
};

struct BitwiseNot {
  template <typename T>
  static T of(const Parameters&, T a) {
    return static_cast<T>(~a);
  }
};

// Such a shift leaves nothing but the sign.
template <typename T>
bool shifts_all(T bits) {
  return bits < 0 || static_cast<uint64_t>(bits) >= 8 * sizeof(T);
}

struct ShiftLeft {
  template <typename T>
  static T of(const Parameters&, T a, T b) {
    return shifts_all(b) ? T{0} : static_cast<T>(static_cast<Wrapping<T>>(a) << b);
  }
};

struct ShiftRight {
  template <typename T>
  static T of(const Parameters&, T a, T b) {
    constexpr T kAll = static_cast<T>(8 * sizeof(T) - (std::is_signed_v<T> ? 1 : 0));
    return static_cast<T>(a >> (shifts_all(b) ? kAll : b));
  }
};
}  // namespace

std::vector<ElementFunction> comparison_functions() {
  return {
      predicate<Equal, 2>("eq"),
      predicate<NotEqual, 2>("ne"),
      predicate<Less, 2>("lt"),
      predicate<LessOrEqual, 2>("le"),
      predicate<Greater, 2>("gt"),
      predicate<GreaterOrEqual, 2>("ge"),
      predicate<LogicalAnd, 2>("logical_and"),
      predicate<LogicalOr, 2>("logical_or"),
      predicate<LogicalXor, 2>("logical_xor"),
      predicate<LogicalNot, 1>("logical_not"),
      predicate<IsNan, 1>("isnan"),
      predicate<IsInfinite, 1>("isinf"),
      predicate<IsPositiveInfinity, 1>("isposinf"),
      predicate<IsNegativeInfinity, 1>("isneginf"),
      predicate<IsFinite, 1>("isfinite"),
      predicate<SignBit, 1>("signbit"),
      function<BitwiseAnd, 2, kIntegers | kBools>("bitwise_and"),
      function<BitwiseOr, 2, kIntegers | kBools>("bitwise_or"),
      function<BitwiseXor, 2, kIntegers | kBools>("bitwise_xor"),
      function<BitwiseNot, 1, kIntegers>("bitwise_not"),
      function<ShiftLeft, 2, kIntegers>("shift_left"),
      function<ShiftRight, 2, kIntegers>("shift_right"),
  };
}

}  // namespace octavo::kernels
