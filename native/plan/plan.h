// A whole network as plain data: checked once, shared by the instances of all streams.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "contract/step.h"

namespace octavo {

// The place of a value's first element: `offset` bytes into a buffer.
struct Storage {
  enum class Kind { input, output, arena, constant };
  Kind kind;
  size_t index = 0;   // of the input or output; 0 for the others
  size_t offset = 0;  // in bytes
};

struct PlanValue {
  TensorDesc desc;
  Storage storage;
  std::shared_ptr<Constant> constant;  // Storage::Kind::constant alone
};

struct PlanStep {
  StepSpec spec;
  std::vector<size_t> inputs;  // indices into Plan::values, one per spec input
  std::vector<size_t> outputs;
};

struct Plan {
  std::vector<TensorDesc> inputs;  // the caller's buffers
  std::vector<TensorDesc> outputs;
  std::vector<PlanValue> values;
  std::vector<PlanStep> steps;  // `spec.inputs` and `spec.outputs` are filled in by finish()
  size_t arena_bytes = 0;
  size_t threads = 1;  // OpenMP threads that make and run its primitives
  // A request's buffers may hold the inputs and outputs of several parts, concatenated: the plan runs
  // once for each part, and `lanes` parts run at the same time.
  size_t lanes = 1;

  // Checks every index, stride and offset, and completes the steps' specs. After it no step can reach
  // memory that is not the plan's. Throws std::invalid_argument that names what is wrong.
  void finish();
};

}  // namespace octavo
