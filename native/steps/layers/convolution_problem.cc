#include "steps/layers/convolution_problem.h"

#include <stdexcept>

#include "onednn/convolution_faults.h"
#include "operands/fused_inputs.h"

namespace octavo {

namespace {
// Columns from a kernel's first one to its last. oneDNN 2.6 makes code and tables for each of them: 3 s and
// 260 MiB for so many.
constexpr int64_t kWidestKernel = 1 << 20;

Dims as_image(Dims values, const char* name, size_t rank, int64_t one, int64_t minimum) {
  if (values.size() != rank - 2)
    throw std::invalid_argument(std::string(name) + " must hold " + std::to_string(rank - 2) +
                                " numbers, got " + std::to_string(values.size()));
  for (int64_t value : values)
    if (value < minimum)
      throw std::invalid_argument(std::string(name) + " must not hold numbers below " +
                                  std::to_string(minimum) + ", got " + std::to_string(value));
  if (rank == 3) values.insert(values.begin(), one);
  return values;
}

// An operand's logical tensor, channels-last.
TensorDesc image_of(const Convolution& c, const TensorDesc& given) {
  return channels_last(c.in_blocks(given) ? TensorDesc{given.dtype, image_shape(given), {}} : given);
}

// The operands' rank: 3, 4 or 5. An image in channel blocks has one extent more than the weight.
size_t rank_of(const StepSpec& spec) {
  const size_t rank = spec.input(1, "the weight").desc.shape.size();
  const auto& input = spec.inputs[0].desc;
  if (rank < 3 || rank > 5 || (input.shape.size() != rank && !(rank == 4 && is_in_blocks(input))))
    throw std::invalid_argument(
        "the input must be [N, C, L], [N, C, H, W] or [N, C, D, H, W], as the weight " +
        spec.inputs[1].desc.to_string() + " has it, got " + input.to_string());
  if (rank == 5 && is_byte(input.dtype))
    throw std::invalid_argument("volumes are convolved in float32 or bfloat16, got " + input.to_string());
  return rank;
}
}  // namespace

TensorDesc as_image(TensorDesc desc, size_t rank) {
  if (desc.shape.size() != rank)
    throw std::invalid_argument(desc.to_string() + " must have " + std::to_string(rank) + " dimensions");
  if (rank == 3) {
    desc.shape.insert(desc.shape.begin() + 2, 1);
    desc.strides.insert(desc.strides.begin() + 2, desc.strides[2] * desc.shape[3]);
  }
  return desc;
}

Convolution read_convolution(const StepSpec& spec) {
  const auto& attributes = spec.attributes;
  const auto &input = spec.input(0, "the image").desc, &output = spec.outputs.at(0);
  const size_t rank = rank_of(spec);
  Convolution c;
  c.weight = as_image(spec.inputs[1].desc, rank);
  c.src = c.in_blocks(input) ? input : as_image(input, rank);
  c.dst = c.in_blocks(output) ? output : as_image(output, rank);
  auto& problem = c.problem;
  problem.src = image_of(c, c.src);
  problem.dst = image_of(c, c.dst);
  problem.stride = as_image(attributes.dims("stride"), "stride", rank, 1, 1);
  problem.dilation = as_image(attributes.dims("dilation"), "dilation", rank, 1, 1);
  problem.padding_begin = as_image(attributes.dims("padding"), "padding", rank, 0, 0);
  problem.padding_end = attributes.has("paddingEnd")
                            ? as_image(attributes.dims("paddingEnd"), "paddingEnd", rank, 0, 0)
                            : problem.padding_begin;
  problem.kernel = attributes.text("kernel", "");
  c.groups = attributes.integer("groups", 1);
  const int64_t in = problem.src.shape[1], out = c.weight.shape[0];
  if (c.groups < 1 || in % c.groups != 0 || out % c.groups != 0)
    throw std::invalid_argument("groups " + std::to_string(c.groups) + " must divide the " +
                                std::to_string(in) + " input and " + std::to_string(out) +
                                " output channels");
  if (c.weight.shape[1] * c.groups != in)
    throw std::invalid_argument("the weight " + c.weight.to_string() + " with groups " +
                                std::to_string(c.groups) + " needs " +
                                std::to_string(c.weight.shape[1] * c.groups) +
                                " input channels, the input has " + std::to_string(in));
  Dims expected = {problem.src.shape[0], out};
  for (size_t i = 0; i < problem.stride.size(); i++) {
    const int64_t span = (c.weight.shape[2 + i] - 1) * problem.dilation[i] + 1;
    const int64_t padded = problem.src.shape[2 + i] + problem.padding_begin[i] + problem.padding_end[i];
    if (padded < span)
      throw std::invalid_argument("the kernel spans " + std::to_string(span) +
                                  ", more than the padded input's " + std::to_string(padded));
    if (i + 1 == problem.stride.size() && span > kWidestKernel)
      throw std::invalid_argument("the kernel spans " + std::to_string(span) + " columns; at most " +
                                  std::to_string(kWidestKernel) + " are computed");
    expected.push_back((padded - span) / problem.stride[i] + 1);
  }
  if (problem.dst.shape != expected) {
    TensorDesc right{c.dst.dtype, expected, {}};
    throw std::invalid_argument("the output must be " + right.to_string());
  }
  if (c.src.numel() == 0 || c.dst.numel() == 0)
    throw std::invalid_argument("empty tensors cannot be convolved");
  problem.weights_dtype = c.src.dtype == DType::bf16 ? DType::bf16 : c.weight.dtype;
  problem.weights = c.weight.shape;
  if (c.groups > 1) {
    problem.weights.insert(problem.weights.begin(), c.groups);
    problem.weights[1] = out / c.groups;
  }
  return c;
}

const char* known_fault(const onednn::Implementation& implementation, const StepSpec& spec) {
  const auto c = read_convolution(spec);
  const auto fusion = read_fusion(spec, c.weight.shape[0]);
  const auto form = fusion.addend ? onednn::AddendForm::binary : onednn::AddendForm::sum;
  return onednn::fault_of(implementation, c.problem, fusion, form);
}

}  // namespace octavo
