// The pointwise function a float32 loop applies to its result.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "contract/attributes.h"

namespace octavo {

class RowFunction {
 public:
  // From the attributes unary ('none' if absent), unaryAlpha and unaryBeta. Throws std::invalid_argument
  // for a function that it does not have.
  explicit RowFunction(const Attributes& attributes);

  void apply(float* row, int64_t n) const;
  bool is_none() const { return name_ == "none"; }
  // The bounds, which may be infinite, if it only clamps values to them.
  std::optional<std::pair<float, float>> clamp() const;

 private:
  std::string name_;
  float alpha_, beta_;
};

}  // namespace octavo
