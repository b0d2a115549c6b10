#include "steps/reduction/reduced_lanes.h"

#include <algorithm>
#include <stdexcept>

namespace octavo {

std::vector<size_t> lane_axes(const StepSpec& spec) {
  const auto rank = static_cast<int64_t>(spec.input(0, "the tensor").desc.shape.size());
  std::vector<size_t> axes;
  for (int64_t axis : spec.attributes.dims("axes")) {
    const bool is_known = axis >= 0 && axis < rank;
    if (!is_known || std::find(axes.begin(), axes.end(), static_cast<size_t>(axis)) != axes.end())
      throw std::invalid_argument("axis " + std::to_string(axis) + " is out of range, or named twice");
    axes.push_back(static_cast<size_t>(axis));
  }
  return axes;
}

void check_one_a_lane(const StepSpec& spec, const TensorDesc& output) {
  const auto& shape = spec.inputs[0].desc.shape;
  const auto axes = lane_axes(spec);
  const bool keepdim = spec.attributes.boolean("keepdim", false);
  Dims expected;
  for (size_t i = 0; i < shape.size(); i++) {
    const bool is_reduced = std::find(axes.begin(), axes.end(), i) != axes.end();
    if (!is_reduced || keepdim) expected.push_back(is_reduced ? 1 : shape[i]);
  }
  if (output.shape != expected)
    throw std::invalid_argument("the output must be " + TensorDesc{output.dtype, expected, {}}.to_string());
}

}  // namespace octavo
