#include "steps/layers/transposed_problem.h"

#include <algorithm>
#include <stdexcept>

namespace octavo {

namespace {
int64_t div_up(int64_t a, int64_t b) { return a > 0 ? (a + b - 1) / b : 0; }

Dims read_list(const StepSpec& spec, const char* name, size_t axes, int64_t minimum) {
  const Dims values = spec.attributes.dims(name);
  if (values.size() != axes || *std::min_element(values.begin(), values.end()) < minimum)
    throw std::invalid_argument(std::string(name) + " must hold " + std::to_string(axes) +
                                " numbers of at least " + std::to_string(minimum));
  return values;
}

void check_dtypes(const StepSpec& spec, const TensorDesc* bias) {
  const auto &input = spec.inputs[0].desc, &weight = spec.inputs[1].desc, &output = spec.outputs[0];
  const bool is_float = input.dtype == DType::f32 || input.dtype == DType::bf16;
  if (!is_float || weight.dtype != input.dtype || (output.dtype != input.dtype && output.dtype != DType::f32))
    throw std::invalid_argument(
        "input and weight must be float32 or both bfloat16, the output the same or float32");
  if (!weight.is_contiguous()) throw std::invalid_argument("the weight must be row-major");
  if (bias && ((bias->dtype != DType::f32 && bias->dtype != input.dtype) || !bias->is_contiguous() ||
               bias->shape != Dims{output.shape[1]}))
    throw std::invalid_argument("the bias must be float32[" + std::to_string(output.shape[1]) +
                                "] (or bfloat16 where the input is), got " + bias->to_string());
}
}  // namespace

TransposedAxis::Range TransposedAxis::inputs_of(int64_t k) const {
  const int64_t shift = padding - k * dilation;
  return {std::min(div_up(shift, stride), in), std::min(div_up(out + shift, stride), in)};
}

int64_t TransposedAxis::input_at(int64_t at, int64_t k) const {
  const int64_t from = at + padding - k * dilation;
  return from >= 0 && from % stride == 0 && from / stride < in ? from / stride : -1;
}

TransposedProblem read_transposed(const StepSpec& spec) {
  const auto &input = spec.input(0, "the tensor").desc, &weight = spec.input(1, "the weight").desc;
  const auto& output = spec.outputs.at(0);
  const bool has_bias = spec.attributes.boolean("hasBias", false);
  const size_t rank = input.shape.size();
  if (rank < 3 || rank > 5 || weight.shape.size() != rank || output.shape.size() != rank)
    throw std::invalid_argument(
        "input, weight and output must be [N, C, L], [N, C, H, W] or [N, C, D, H, W] alike");
  check_dtypes(spec, has_bias ? &spec.input(2, "the bias").desc : nullptr);
  const int64_t groups = spec.attributes.integer("groups", 1);
  if (groups < 1 || input.shape[1] % groups != 0 || weight.shape[0] != input.shape[1])
    throw std::invalid_argument("the weight " + weight.to_string() + " in " + std::to_string(groups) +
                                " groups does not fit the " + std::to_string(input.shape[1]) +
                                " input channels");
  if (output.shape[0] != input.shape[0] || output.shape[1] != weight.shape[1] * groups)
    throw std::invalid_argument("the output must have " + std::to_string(input.shape[0]) + " images of " +
                                std::to_string(weight.shape[1] * groups) + " channels, got " +
                                output.to_string());
  if (input.numel() == 0 || weight.numel() == 0 || output.numel() == 0)
    throw std::invalid_argument("empty tensors cannot be convolved");
  TransposedProblem p{{}, input.shape[0], groups, input.shape[1] / groups, weight.shape[1]};
  const size_t axes = rank - 2;
  const Dims stride = read_list(spec, "stride", axes, 1), padding = read_list(spec, "padding", axes, 0),
             dilation = read_list(spec, "dilation", axes, 1);
  p.axes.fill({1, 1, 1, 1, 0, 1});
  for (size_t i = 0; i < axes; i++)
    p.axes[3 - axes + i] = {input.shape[2 + i], output.shape[2 + i], weight.shape[2 + i],
                            stride[i],          padding[i],          dilation[i]};
  return p;
}

}  // namespace octavo
