// Scale and zero point of a quantized source that come with every run: dynamic quantization.
#pragma once

#include <optional>
#include <vector>

#include "contract/input_value.h"
#include "contract/run_time_scale.h"
#include "onednn/fusion.h"

namespace octavo {

class SourceParameters {
 public:
  // Inputs `scale` and `zero_point` are tensors of one element; input 1 is the int8 weight, row-major,
  // output channels first. Throws std::invalid_argument.
  SourceParameters(const StepSpec& spec, int scale, int zero_point, onednn::SourceAtRunTime source);

  // Sets this run's parameters, and returns the bias for them. `bias`: transformed for a source of scale 1.
  // Throws std::domain_error when the parameters are none.
  const float* apply(const Buffers& buffers, const std::vector<float>& bias);

 private:
  std::optional<InputValue> weight_;  // where it is known only at run time
  RunTimeScale scale_;
  onednn::SourceAtRunTime source_;
  std::vector<int32_t> weight_sums_;
  std::vector<float> bias_;
};

}  // namespace octavo
