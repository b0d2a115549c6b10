// Loops over the elements of several tensors that broadcast to one shape. They compute in float32,
// regardless of how the elements are stored.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "contract/attributes.h"
#include "kernels/row_conversion.h"
#include "rows/strided.h"

namespace octavo {

// A tensor of a pointwise loop, with its quantization where it is stored as integers.
struct PointwiseOperand {
  TensorDesc desc;
  kernels::Affine affine;
};

// With the attributes <prefix>Scale and <prefix>ZeroPoint, the identity where absent. Throws
// std::invalid_argument for a scale that is not positive.
PointwiseOperand pointwise_operand(const TensorDesc& desc, const Attributes& attributes,
                                   const std::string& prefix);

// The strides that walk `desc` over `shape`: 0 along repeated extents. Throws std::invalid_argument if
// desc does not broadcast to shape.
Dims broadcast_strides(const TensorDesc& desc, const Dims& shape);

class PointwiseLoop {
 public:
  // The largest count of values in one call of a body.
  static constexpr int64_t kChunk = 512;
  // Computes `count` values from `count` values of every input. `out` may be one of the inputs.
  using Body = std::function<void(const float* const* inputs, float* out, int64_t count)>;
  // The same, and stores them as elements of the output, quantized.
  using StoringBody = std::function<void(const float* const* inputs, void* out, int64_t count)>;

  PointwiseLoop(const PointwiseOperand& output, const std::vector<PointwiseOperand>& inputs);
  // `at_once`, if there is one, replaces `body` where the output's elements lie next to each other.
  void execute(void* output, const void* const* inputs, const Body& body,
               const StoringBody& at_once = nullptr) const;

 private:
  int64_t rows_at_once() const;
  bool is_same_in_every_row(size_t operand) const;
  const float* load(size_t operand, const char* src, int64_t length, int64_t rows, float* converted,
                    bool is_first) const;
  void store(const float* values, char* output, int64_t count) const;

  std::vector<PointwiseOperand> operands_;  // output first
  std::vector<int64_t> sizes_;
  LoopNest nest_;
  int64_t numel_, bytes_, rows_;
};

}  // namespace octavo
