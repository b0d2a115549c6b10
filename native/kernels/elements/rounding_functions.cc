// Roundings of floats to whole numbers, or to a number of decimals.
#include <cmath>

#include "kernels/elements/element_loops.h"

namespace octavo::kernels {

namespace {
struct Floor {
  template <typename T>
  static T of(const Parameters&, T a) {
    return std::floor(a);
  }
};

struct Ceil {
  template <typename T>
  static T of(const Parameters&, T a) {
    return std::ceil(a);
  }
};

struct Truncate {
  template <typename T>
  static T of(const Parameters&, T a) {
    return std::trunc(a);
  }
};

// Half to even.
struct Round {
  template <typename T>
  static T of(const Parameters&, T a) {
    return std::rint(a);
  }
};

// To multiples of 1 / alpha.
struct RoundToParts {
  template <typename T>
  static T of(const Parameters& p, T a) {
    return std::rint(a * static_cast<T>(p.alpha)) / static_cast<T>(p.alpha);
  }
};

// To multiples of alpha.
struct RoundToMultiples {
  template <typename T>
  static T of(const Parameters& p, T a) {
    return std::rint(a / static_cast<T>(p.alpha)) * static_cast<T>(p.alpha);
  }
};

struct Fraction {
  template <typename T>
  static T of(const Parameters&, T a) {
    return a - std::trunc(a);
  }
};
}  // namespace

std::vector<ElementFunction> rounding_functions() {
  return {
      function<Floor, 1, kFloats>("floor"),
      function<Ceil, 1, kFloats>("ceil"),
      function<Truncate, 1, kFloats>("trunc"),
      function<Round, 1, kFloats>("round"),
      function<RoundToParts, 1, kFloats>("round_to_parts"),
      function<RoundToMultiples, 1, kFloats>("round_to_multiples"),
      function<Fraction, 1, kFloats>("frac"),
  };
}

}  // namespace octavo::kernels
