// The pointwise function a float32 loop applies to its result.
#pragma once

#include <cstdint>
#include <string>

#include "primitives/attributes.h"

namespace octavo {

class RowFunction {
 public:
  // From the attributes unary ('none' where absent), unaryAlpha and unaryBeta. Throws std::invalid_argument
  // for a function it does not have.
  explicit RowFunction(const Attributes& attributes);

  void apply(float* row, int64_t n) const;

 private:
  std::string name_;
  float alpha_, beta_;
};

}  // namespace octavo
