// Convolution of signals [N, C, L] and images [N, C, H, W], float or quantized, with what is fused into it.
// It computes on channels-last images, or on float32 images whose channels lie in blocks where one of them
// does: operands that lie otherwise are reordered around it.
#include "onednn/convolution.h"

#include <stdexcept>

#include "primitives/exact_layer.h"
#include "primitives/float32_fallback.h"
#include "primitives/fused_step.h"
#include "primitives/merged_groups.h"
#include "primitives/plain_convolution.h"
#include "primitives/product_range.h"
#include "primitives/table.h"
#include "primitives/weight_sums.h"
#include "tensor/channel_blocks.h"

namespace octavo {

namespace {
// A signal is an image of height 1: every convolution here is two-dimensional.
TensorDesc as_image(TensorDesc desc, size_t rank) {
  if (desc.shape.size() != rank)
    throw std::invalid_argument(desc.to_string() + " must have " + std::to_string(rank) + " dimensions");
  if (rank == 3) {
    desc.shape.insert(desc.shape.begin() + 2, 1);
    desc.strides.insert(desc.strides.begin() + 2, desc.strides[2] * desc.shape[3]);
  }
  return desc;
}

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

TensorDesc row_major(TensorDesc desc) {
  desc.strides = row_major_strides(desc.shape);
  return desc;
}

// What an operand stands for, channels-last.
TensorDesc image_of(const TensorDesc& given) {
  return channels_last(is_in_blocks(given) ? TensorDesc{given.dtype, image_shape(given), {}} : given);
}

struct Convolution {
  onednn::ConvolutionProblem problem;
  int64_t groups;
  TensorDesc src, weight, dst;  // as given: images, or images in blocks

  bool touches_blocks() const { return is_in_blocks(src) || is_in_blocks(dst); }
};

Convolution read(const StepSpec& spec) {
  const auto& attributes = spec.attributes;
  const auto &input = spec.input(0, "the image").desc, &output = spec.outputs.at(0);
  const bool images = is_in_blocks(input) || is_in_blocks(output);
  const size_t rank = images ? 4 : input.shape.size();
  if (rank != 3 && rank != 4)
    throw std::invalid_argument("the input must be [N, C, L] or [N, C, H, W], got " + input.to_string());
  Convolution c;
  c.src = is_in_blocks(input) ? input : as_image(input, rank);
  c.weight = as_image(spec.input(1, "the weight").desc, rank);
  c.dst = is_in_blocks(output) ? output : as_image(output, rank);
  auto& problem = c.problem;
  problem.src = image_of(c.src);
  problem.dst = image_of(c.dst);
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
  Dims expected = {problem.src.shape[0], out, 0, 0};
  for (size_t i = 0; i < 2; i++) {
    const int64_t span = (c.weight.shape[2 + i] - 1) * problem.dilation[i] + 1;
    const int64_t padded = problem.src.shape[2 + i] + problem.padding_begin[i] + problem.padding_end[i];
    if (padded < span)
      throw std::invalid_argument("the kernel spans " + std::to_string(span) +
                                  ", more than the padded input's " + std::to_string(padded));
    expected[2 + i] = (padded - span) / problem.stride[i] + 1;
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

// The weight's own layout under the primitive's shape: [G, O/G, I, KH, KW] where there are groups.
dnnl::memory::desc weight_view(const Convolution& c) {
  TensorDesc view = c.weight;
  if (c.groups > 1) {
    view.shape = c.problem.weights;
    view.strides.insert(view.strides.begin(), view.strides[0] * view.shape[1]);
  }
  return onednn::to_onednn(view);
}

bool is_padded(const onednn::ConvolutionProblem& problem) {
  const auto& begin = problem.padding_begin;
  const auto& end = problem.padding_end;
  return begin[0] > 0 || begin[1] > 0 || end[0] > 0 || end[1] > 0;
}

bool is_slow(const std::string& implementation) {
  return implementation.find("ref") != std::string::npos || implementation.find("gemm") != std::string::npos;
}

// An operand as it is given, and as the primitive has it: `image`, or its elements in blocks.
View view_of(const TensorDesc& given, const TensorDesc& image, bool in_blocks) {
  if (!in_blocks && !is_in_blocks(given)) return {given, image};
  const TensorDesc blocks = octavo::in_blocks(image);
  return {is_in_blocks(given) ? given : octavo::in_blocks(given), in_blocks ? row_major(blocks) : blocks};
}

bool has_whole_blocks(const TensorDesc& image) { return image.shape[1] % kChannelBlock == 0; }

// The same problem on images in blocks. An image of few channels, a network's input, is read row-major.
onednn::ConvolutionProblem in_blocks(const Convolution& c) {
  auto problem = c.problem;
  problem.src_in_blocks = has_whole_blocks(problem.src);
  problem.dst_in_blocks = has_whole_blocks(problem.dst);
  if (!problem.src_in_blocks && !is_in_blocks(c.src)) problem.src = row_major(problem.src);
  return problem;
}

void check_blocks(const StepSpec& spec, const FusedInputs& inputs) {
  std::vector<DType> dtypes = {spec.inputs[0].desc.dtype, spec.inputs[1].desc.dtype, spec.outputs[0].dtype};
  if (inputs.addend >= 0) dtypes.push_back(spec.inputs[inputs.addend].desc.dtype);
  for (const auto dtype : dtypes)
    if (dtype != DType::f32)
      throw std::invalid_argument(std::string("channels in blocks are for float32 alone, got ") +
                                  dtype_name(dtype));
}

struct Made {
  onednn::FusedPrimitive fused;
  bool chosen;  // has the kernel that was asked for
};

// With the kernel that problem.kernel asks for; with the first where it asks for none, or oneDNN does not
// have it.
Made make(const StepSpec& spec, onednn::ConvolutionProblem problem, const onednn::Fusion& fusion) {
  const auto products_fit = [&] { return products_fit_16_bits(spec); };
  const auto attempt = [&] {
    return make_fused(fusion, problem.dst.dtype, [&](onednn::AddendForm form) {
      return onednn::make_convolution(problem, fusion, form, products_fit);
    });
  };
  if (!problem.kernel.empty()) {
    try {
      return {attempt(), true};
    } catch (const dnnl::error& error) {
      if (error.status != dnnl_unimplemented) throw;
    }
    problem.kernel.clear();
  }
  return {attempt(), false};
}

// `fused` is the primitive of `problem`.
std::unique_ptr<Step> make_step(const StepSpec& spec, const FusedInputs& inputs, const Convolution& c,
                                const onednn::ConvolutionProblem& problem, onednn::FusedPrimitive fused) {
  FusedViews views{view_of(c.src, problem.src, problem.src_in_blocks), weight_view(c),
                   view_of(c.dst, problem.dst, problem.dst_in_blocks), std::nullopt};
  if (inputs.addend >= 0) {
    const auto& given = spec.inputs[inputs.addend].desc;
    const auto addend = is_in_blocks(given) ? given : as_image(given, spec.outputs[0].shape.size());
    views.addend = view_of(addend, problem.dst, problem.dst_in_blocks).given;
  }
  return std::make_unique<FusedStep>(spec, inputs, views, std::move(fused));
}

std::unique_ptr<Step> create(const StepSpec& spec) {
  auto c = read(spec);
  const auto& weight = spec.inputs[1];
  const int64_t channels = c.weight.shape[0];
  const auto inputs = read_inputs(spec, channels);
  auto fusion = read_fusion(spec, channels);
  c.problem.has_bias = inputs.bias >= 0;
  if (c.touches_blocks()) {
    check_blocks(spec, inputs);
    const auto problem = in_blocks(c);
    auto fused = make(spec, problem, fusion).fused;
    if (!is_slow(fused.primitive.implementation()))
      return make_step(spec, inputs, c, problem, std::move(fused));
  }
  const auto make_exact = [&] {
    auto problem = c.problem;
    problem.src = c.src;
    problem.dst = c.dst;
    std::optional<TensorDesc> addend;
    if (inputs.addend >= 0) addend = as_image(spec.inputs[inputs.addend].desc, spec.outputs[0].shape.size());
    return create_exact_layer(spec, {problem, c.weight, c.groups, addend}, inputs, fusion);
  };
  const bool has_exact = has_exact_layers(c.src.dtype);
  const bool wants_exact = c.problem.kernel.find("octavo:exact") != std::string::npos;
  if (needs_exact_layer(spec) || (has_exact && wants_exact)) return make_exact();
  if (fusion.src_zero_point != 0 && !is_padded(c.problem) && has_weight_sums(weight))
    fusion.weight_sums = weight_sums(weight);
  if (!c.touches_blocks())
    if (auto plain = create_plain_convolution(spec, c.problem, fusion, c.src, weight_view(c), c.dst))
      return plain;
  auto [fused, chosen] = make(spec, c.problem, fusion);
  if (is_slow(fused.primitive.implementation())) {
    if (has_exact) return make_exact();
    if (!chosen)
      if (const auto merged = with_merged_groups(spec)) return create(*merged);
  }
  return make_step(spec, inputs, c, c.problem, std::move(fused));
}
}  // namespace

std::unique_ptr<Step> create_convolution(const StepSpec& spec) { return with_float32_fallback(spec, create); }

}  // namespace octavo
