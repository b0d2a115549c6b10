// What every primitive family implements: one step of a plan.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "contract/attributes.h"
#include "onednn/rejections.h"
#include "tensor/tensor_desc.h"
#include "weights/constant.h"

namespace octavo {

struct StepInput {
  TensorDesc desc;
  std::shared_ptr<Constant> constant;  // null where the value is known only at run time
};

struct StepSpec {
  std::string op;
  std::string node;
  Attributes attributes;
  std::vector<StepInput> inputs;
  std::vector<TensorDesc> outputs;

  // The input, or std::invalid_argument that says what is missing.
  const StepInput& input(size_t index, const char* what) const;
};

// Where a step's operands are in one run. Pointers of constant inputs are null.
struct Buffers {
  const void* const* inputs;
  void* const* outputs;
  void* scratchpad;  // 64-byte aligned, at least scratchpad_bytes()
};

// Created once, executed many times. A step belongs to one stream: it may keep state between runs, and is
// never executed by two threads at once. Constants are shared between the steps of all streams.
class Step {
 public:
  virtual ~Step() = default;
  virtual void execute(const Buffers& buffers) = 0;
  // oneDNN's impl_info_str; several primitives joined by '+'; "octavo:*" for our own loops.
  virtual std::string implementation() const = 0;
  virtual size_t scratchpad_bytes() const { return 0; }

  // What was preferred to this implementation, and why it could not be.
  const onednn::Rejections& rejections() const { return rejections_; }
  // Puts what a wider choice rejected before this step's own rejections.
  void add_rejections(onednn::Rejections before);

 private:
  onednn::Rejections rejections_;
};

// Makes the step that `spec.op` names. Everything that can be wrong with a spec is reported here, as
// std::exception whose message names the operator, the node and the shapes; execute() does not check again.
std::unique_ptr<Step> create_step(const StepSpec& spec);

// "convolution 'conv2d_1' (uint8[1, 3, 32, 32], int8[16, 3, 3, 3]) -> (uint8[1, 16, 32, 32])"
std::string describe(const StepSpec& spec);

}  // namespace octavo
