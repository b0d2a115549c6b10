// Loops over the elements of several tensors that broadcast to one shape, each read as a type of its own.
#pragma once

#include <functional>
#include <vector>

#include "rows/strided.h"
#include "rows/typed_run.h"

namespace octavo {

// A tensor, and the type that its elements are computed as.
struct TypedOperand {
  TensorDesc desc;
  DType as;
};

class TypedLoop {
 public:
  // Computes `count` values, at most kTypedRun, from `count` values of every input. `out` may be one of the
  // inputs.
  using Body = std::function<void(const void* const* inputs, void* out, int64_t count)>;

  // Throws std::invalid_argument for an input that does not broadcast to the output's shape.
  TypedLoop(const TypedOperand& output, const std::vector<TypedOperand>& inputs);
  void execute(void* output, const void* const* inputs, const Body& body) const;

 private:
  static constexpr size_t kMaxInputs = 3;

  LoopNest nest_;  // operands: the output, then the inputs
  std::vector<RunReader> readers_;
  RunWriter writer_;
  int64_t numel_, bytes_;
};

}  // namespace octavo
