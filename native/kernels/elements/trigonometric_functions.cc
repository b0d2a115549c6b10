// Circular and hyperbolic functions with their inverses, and the error function.
#include <cmath>

#include "kernels/elements/element_loops.h"
#include "kernels/elements/float_functions.h"

namespace octavo::kernels {

namespace {
struct Sin {
  template <typename T>
  static T of(const Parameters&, T a) {
    return std::sin(a);
  }
};

struct Cos {
  template <typename T>
  static T of(const Parameters&, T a) {
    return std::cos(a);
  }
};

struct Tan {
  template <typename T>
  static T of(const Parameters&, T a) {
    return std::tan(a);
  }
};

struct Asin {
  template <typename T>
  static T of(const Parameters&, T a) {
    return std::asin(a);
  }
};

struct Acos {
  template <typename T>
  static T of(const Parameters&, T a) {
    return std::acos(a);
  }
};

struct Atan {
  template <typename T>
  static T of(const Parameters&, T a) {
    return std::atan(a);
  }
};

struct Atan2 {
  template <typename T>
  static T of(const Parameters&, T a, T b) {
    return std::atan2(a, b);
  }
};

struct Hypot {
  template <typename T>
  static T of(const Parameters&, T a, T b) {
    return std::hypot(a, b);
  }
};

struct Sinh {
  template <typename T>
  static T of(const Parameters&, T a) {
    return std::sinh(a);
  }
};

struct Cosh {
  template <typename T>
  static T of(const Parameters&, T a) {
    return std::cosh(a);
  }
};

struct Tanh {
  template <typename T>
  static T of(const Parameters&, T a) {
    return std::tanh(a);
  }
};

struct Asinh {
  template <typename T>
  static T of(const Parameters&, T a) {
    return std::asinh(a);
  }
};

struct Acosh {
  template <typename T>
  static T of(const Parameters&, T a) {
    return std::acosh(a);
  }
};

struct Atanh {
  template <typename T>
  static T of(const Parameters&, T a) {
    return std::atanh(a);
  }
};

struct Erf {
  template <typename T>
  static T of(const Parameters&, T a) {
    return std::erf(a);
  }
};

struct Erfc {
  template <typename T>
  static T of(const Parameters&, T a) {
    return std::erfc(a);
  }
};

struct GeluErf {
  template <typename T>
  static T of(const Parameters&, T a) {
    return T{0.5} * a * (T{1} + std::erf(a * T(0.70710678118654752440)));
  }
};

struct GeluTanh {
  template <typename T>
  static T of(const Parameters&, T a) {
    const T inner = T(0.79788456080286535588) * (a + T(0.044715) * a * a * a);
    return T{0.5} * a * (T{1} + std::tanh(inner));
  }
};

// With a faster loop for float32.
template <void (*row)(const float*, float*, int64_t)>
ElementFunction with_float_row(ElementFunction function) {
  function.loops[static_cast<size_t>(DType::f32)] = [](const void* const* inputs, void* out, int64_t n,
                                                       const Parameters&) {
    row(static_cast<const float*>(inputs[0]), static_cast<float*>(out), n);
  };
  return function;
}
}  // namespace

std::vector<ElementFunction> trigonometric_functions() {
  return {
      with_float_row<sin_row>(function<Sin, 1, kFloats>("sin")),
      with_float_row<cos_row>(function<Cos, 1, kFloats>("cos")),
      function<Tan, 1, kFloats>("tan"),
      function<Asin, 1, kFloats>("asin"),
      function<Acos, 1, kFloats>("acos"),
      function<Atan, 1, kFloats>("atan"),
      function<Atan2, 2, kFloats>("atan2"),
      function<Hypot, 2, kFloats>("hypot"),
      function<Sinh, 1, kFloats>("sinh"),
      function<Cosh, 1, kFloats>("cosh"),
      function<Tanh, 1, kFloats>("tanh"),
      function<Asinh, 1, kFloats>("asinh"),
      function<Acosh, 1, kFloats>("acosh"),
      function<Atanh, 1, kFloats>("atanh"),
      with_float_row<erf_row>(function<Erf, 1, kFloats>("erf")),
      function<Erfc, 1, kFloats>("erfc"),
      function<GeluErf, 1, kFloats>("gelu_erf"),
      function<GeluTanh, 1, kFloats>("gelu_tanh"),
  };
}

}  // namespace octavo::kernels
