// The results of a step that finds out how many there are: as many rows as there may be at most, of which it
// writes the first, and their number.
#pragma once

#include <stdexcept>

#include "contract/step.h"

namespace octavo {

class CountedOutput {
 public:
  // `rows` are int64 of that shape: their greatest number, then the integers of one row.
  CountedOutput(const StepSpec& spec, const Dims& rows) {
    expect(spec, 0, rows);
    expect(spec, 1, {});
  }

  int64_t* rows(const Buffers& buffers) const { return static_cast<int64_t*>(buffers.outputs[0]); }
  void set_count(const Buffers& buffers, int64_t count) const {
    *static_cast<int64_t*>(buffers.outputs[1]) = count;
  }

 private:
  static void expect(const StepSpec& spec, size_t index, const Dims& shape) {
    if (spec.outputs.size() != 2) throw std::invalid_argument("the outputs are the results and their number");
    const auto& output = spec.outputs[index];
    if (output.shape != shape || output.dtype != DType::s64 || !output.is_contiguous())
      throw std::invalid_argument("output " + std::to_string(index) + " must be row-major " +
                                  TensorDesc{DType::s64, shape, {}}.to_string());
  }
};

}  // namespace octavo
