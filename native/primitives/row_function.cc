#include "primitives/row_function.h"

#include <limits>
#include <stdexcept>

#include "kernels/arithmetic.h"

namespace octavo {

RowFunction::RowFunction(const Attributes& attributes)
    : name_(attributes.text("unary", "none")),
      alpha_(static_cast<float>(attributes.number("unaryAlpha", 0))),
      beta_(static_cast<float>(attributes.number("unaryBeta", 0))) {
  if (name_ != "none" && name_ != "relu" && name_ != "hardtanh" && name_ != "leaky_relu" &&
      name_ != "hardswish" && name_ != "hardsigmoid")
    throw std::invalid_argument("unary '" + name_ + "' cannot be fused here");
}

void RowFunction::apply(float* row, int64_t n) const {
  if (name_ == "none") return;
  if (name_ == "relu") return kernels::clip_row(row, 0, std::numeric_limits<float>::infinity(), row, n);
  if (name_ == "hardtanh") return kernels::clip_row(row, alpha_, beta_, row, n);
  if (name_ == "leaky_relu") return kernels::leaky_relu_row(row, alpha_, row, n);
  if (name_ == "hardswish") return kernels::hardswish_row(row, row, n);
  kernels::hardsigmoid_row(row, row, n);
}

}  // namespace octavo
