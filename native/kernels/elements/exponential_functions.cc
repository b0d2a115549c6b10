// Exponentials, logarithms, and the activations that are made of them.
#include <algorithm>
#include <cmath>

#include "kernels/elements/element_loops.h"

namespace octavo::kernels {

namespace {
struct Exp {
  template <typename T>
  static T of(const Parameters&, T a) {
    return std::exp(a);
  }
};

struct Exp2 {
  template <typename T>
  static T of(const Parameters&, T a) {
    return std::exp2(a);
  }
};

struct ExpMinusOne {
  template <typename T>
  static T of(const Parameters&, T a) {
    return std::expm1(a);
  }
};

struct Log {
  template <typename T>
  static T of(const Parameters&, T a) {
    return std::log(a);
  }
};

struct Log2 {
  template <typename T>
  static T of(const Parameters&, T a) {
    return std::log2(a);
  }
};

struct Log10 {
  template <typename T>
  static T of(const Parameters&, T a) {
    return std::log10(a);
  }
};

struct LogOnePlus {
  template <typename T>
  static T of(const Parameters&, T a) {
    return std::log1p(a);
  }
};

struct Sigmoid {
  template <typename T>
  static T of(const Parameters&, T a) {
    return T{1} / (T{1} + std::exp(-a));
  }
};

struct LogSigmoid {
  template <typename T>
  static T of(const Parameters&, T a) {
    const T negative = a > 0 ? T{0} : a;
    return negative - std::log1p(std::exp(-std::fabs(a)));
  }
};

// log(a / (1 - a)), with a kept from alpha to 1 - alpha unless alpha is negative.
struct Logit {
  template <typename T>
  static T of(const Parameters& p, T a) {
    const T eps = static_cast<T>(p.alpha);
    const T raised = eps >= 0 && a < eps ? eps : a;
    const T kept = eps >= 0 && raised > T{1} - eps ? T{1} - eps : raised;
    return std::log(kept / (T{1} - kept));
  }
};

// a * sigmoid(a)
struct Swish {
  template <typename T>
  static T of(const Parameters&, T a) {
    return a / (T{1} + std::exp(-a));
  }
};

// log(1 + e^(alpha a)) / alpha, and a itself where alpha a is more than beta.
struct Softplus {
  template <typename T>
  static T of(const Parameters& p, T a) {
    const T factor = static_cast<T>(p.alpha);
    return a * factor > static_cast<T>(p.beta) ? a : std::log1p(std::exp(a * factor)) / factor;
  }
};

struct Mish {
  template <typename T>
  static T of(const Parameters&, T a) {
    return a * std::tanh(std::log1p(std::exp(a)));
  }
};

// beta a where a is positive, else beta alpha (e^(gamma a) - 1).
struct Elu {
  template <typename T>
  static T of(const Parameters& p, T a) {
    const T scale = static_cast<T>(p.beta);
    return a <= 0 ? std::expm1(a * static_cast<T>(p.gamma)) * static_cast<T>(p.alpha) * scale : a * scale;
  }
};

// log(e^a + e^b)
struct LogAddExp {
  template <typename T>
  static T of(const Parameters&, T a, T b) {
    if (std::isinf(a) && a == b) return a;
    return std::max(a, b) + std::log1p(std::exp(-std::fabs(a - b)));
  }
};

// a log(b), which is 0 for an a of 0 whatever b is, but NaN.
struct XLogY {
  template <typename T>
  static T of(const Parameters&, T a, T b) {
    if (b != b) return b;
    return a == 0 ? T{0} : a * std::log(b);
  }
};
}  // namespace

std::vector<ElementFunction> exponential_functions() {
  return {
      function<Exp, 1, kFloats>("exp"),
      function<Exp2, 1, kFloats>("exp2"),
      function<ExpMinusOne, 1, kFloats>("expm1"),
      function<Log, 1, kFloats>("log"),
      function<Log2, 1, kFloats>("log2"),
      function<Log10, 1, kFloats>("log10"),
      function<LogOnePlus, 1, kFloats>("log1p"),
      function<Sigmoid, 1, kFloats>("sigmoid"),
      function<LogSigmoid, 1, kFloats>("log_sigmoid"),
      function<Logit, 1, kFloats>("logit"),
      function<Swish, 1, kFloats>("swish"),
      function<Softplus, 1, kFloats>("softplus"),
      function<Mish, 1, kFloats>("mish"),
      function<Elu, 1, kFloats>("elu"),
      function<LogAddExp, 2, kFloats>("logaddexp"),
      function<XLogY, 2, kFloats>("xlogy"),
  };
}

}  // namespace octavo::kernels
