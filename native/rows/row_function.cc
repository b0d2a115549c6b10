#include "rows/row_function.h"

#include <limits>
#include <set>
#include <stdexcept>

#include "kernels/arithmetic.h"
#include "kernels/transcendental.h"

namespace octavo {

namespace {
constexpr float kInfinity = std::numeric_limits<float>::infinity();
}  // namespace

RowFunction::RowFunction(const Attributes& attributes)
    : name_(attributes.text("unary", "none")),
      alpha_(static_cast<float>(attributes.number("unaryAlpha", 0))),
      beta_(static_cast<float>(attributes.number("unaryBeta", 0))) {
  static const std::set<std::string> known = {"none",      "relu",        "hardtanh", "leaky_relu",
                                              "hardswish", "hardsigmoid", "sigmoid",  "tanh",
                                              "swish",     "gelu_erf",    "gelu_tanh"};
  if (known.count(name_) == 0) throw std::invalid_argument("unary '" + name_ + "' cannot be fused here");
}

void RowFunction::apply(float* row, int64_t n) const {
  if (name_ == "none") return;
  if (name_ == "relu") return kernels::clip_row(row, 0, kInfinity, row, n);
  if (name_ == "hardtanh") return kernels::clip_row(row, alpha_, beta_, row, n);
  if (name_ == "leaky_relu") return kernels::leaky_relu_row(row, alpha_, row, n);
  if (name_ == "hardswish") return kernels::hardswish_row(row, row, n);
  if (name_ == "sigmoid") return kernels::sigmoid_row(row, row, n);
  if (name_ == "tanh") return kernels::tanh_row(row, row, n);
  if (name_ == "swish") return kernels::swish_row(row, row, n);
  if (name_ == "gelu_erf") return kernels::gelu_erf_row(row, row, n);
  if (name_ == "gelu_tanh") return kernels::gelu_tanh_row(row, row, n);
  kernels::hardsigmoid_row(row, row, n);
}

std::optional<std::pair<float, float>> RowFunction::clamp() const {
  if (name_ == "none") return {{-kInfinity, kInfinity}};
  if (name_ == "relu") return {{0, kInfinity}};
  if (name_ == "hardtanh") return {{alpha_, beta_}};
  return std::nullopt;
}

}  // namespace octavo
