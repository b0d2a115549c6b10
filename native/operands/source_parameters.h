// Scale and zero point of a quantized source that come with every run: dynamic quantization.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "contract/input_value.h"
#include "contract/run_time_scale.h"
#include "contract/scratch.h"
#include "onednn/fused_primitive.h"

namespace octavo {

class SourceParameters {
 public:
  // Inputs `scale` and `zero_point` are tensors of one element; input 1 is the int8 weight, row-major,
  // output channels first. Throws std::invalid_argument.
  SourceParameters(const StepSpec& spec, int scale, int zero_point, onednn::SourceAtRunTime source,
                   ScratchLayout& scratch);

  // Binds this run's scales and bias to the primitive. `bias`: the layer's, float32, or null. Throws
  // std::domain_error when the parameters are none.
  void bind(const Buffers& buffers, const float* bias, onednn::Primitive& primitive);

 private:
  std::optional<InputValue> weight_;  // where it is known only at run time
  RunTimeScale scale_;
  onednn::SourceAtRunTime source_;
  std::shared_ptr<const int32_t> shared_sums_;  // of the weight, where it is constant
  std::vector<int32_t> weight_sums_;            // else
  size_t scales_at_, bias_at_;
};

}  // namespace octavo
