// Activations of a few comparisons and products. NaN stays NaN in all of them.
#include <cmath>

#include "kernels/elements/element_loops.h"

namespace octavo::kernels {

namespace {
struct Relu {
  template <typename T>
  static T of(const Parameters&, T a) {
    return a < 0 ? T{0} : a;
  }
};

// From alpha to beta.
struct Clip {
  template <typename T>
  static T of(const Parameters& p, T a) {
    const T low = static_cast<T>(p.alpha), high = static_cast<T>(p.beta);
    const T raised = a < low ? low : a;
    return raised > high ? high : raised;
  }
};

struct LeakyRelu {
  template <typename T>
  static T of(const Parameters& p, T a) {
    return a > 0 ? a : a * static_cast<T>(p.alpha);
  }
};

struct HardSigmoid {
  template <typename T>
  static T of(const Parameters&, T a) {
    const T raised = a + T{3} < T{0} ? T{0} : a + T{3};
    return (raised > T{6} ? T{6} : raised) / T{6};
  }
};

struct HardSwish {
  template <typename T>
  static T of(const Parameters& p, T a) {
    return a * HardSigmoid::of(p, a);
  }
};

struct HardShrink {
  template <typename T>
  static T of(const Parameters& p, T a) {
    const T bound = static_cast<T>(p.alpha);
    return a >= -bound && a <= bound ? T{0} : a;
  }
};

struct SoftShrink {
  template <typename T>
  static T of(const Parameters& p, T a) {
    const T bound = static_cast<T>(p.alpha);
    return a > bound ? a - bound : a < -bound ? a + bound : a * T{0};
  }
};

// beta where a is at most alpha.
struct Threshold {
  template <typename T>
  static T of(const Parameters& p, T a) {
    return a <= static_cast<T>(p.alpha) ? static_cast<T>(p.beta) : a;
  }
};

// alpha for NaN, beta for infinity, gamma for negative infinity.
struct NanToNumber {
  template <typename T>
  static T of(const Parameters& p, T a) {
    if (a != a) return static_cast<T>(p.alpha);
    if (a == T{INFINITY}) return static_cast<T>(p.beta);
    return a == T{-INFINITY} ? static_cast<T>(p.gamma) : a;
  }
};
}  // namespace

std::vector<ElementFunction> activation_functions() {
  return {
      function<Relu, 1, kFloats | kIntegers>("relu"),  function<Clip, 1, kFloats>("clip"),
      function<LeakyRelu, 1, kFloats>("leaky_relu"),   function<HardSigmoid, 1, kFloats>("hardsigmoid"),
      function<HardSwish, 1, kFloats>("hardswish"),    function<HardShrink, 1, kFloats>("hardshrink"),
      function<SoftShrink, 1, kFloats>("softshrink"),  function<Threshold, 1, kFloats>("threshold"),
      function<NanToNumber, 1, kFloats>("nan_to_num"),
  };
}

}  // namespace octavo::kernels
