// Convolution of signals [N, C, L] and images [N, C, H, W], float or quantized, with what is fused into it.
// It computes on channels-last images: operands that lie otherwise are reordered around it.
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

TensorDesc channels_last(TensorDesc desc) {
  const auto& s = desc.shape;
  desc.strides = {s[1] * s[2] * s[3], 1, s[1] * s[3], s[1]};
  return desc;
}

struct Convolution {
  onednn::ConvolutionProblem problem;
  int64_t groups;
  TensorDesc src, weight, dst;  // as given, as images
};

Convolution read(const StepSpec& spec) {
  const auto& attributes = spec.attributes;
  const auto& input = spec.input(0, "the image").desc;
  const size_t rank = input.shape.size();
  if (rank != 3 && rank != 4)
    throw std::invalid_argument("the input must be [N, C, L] or [N, C, H, W], got " + input.to_string());
  Convolution c;
  c.src = as_image(input, rank);
  c.weight = as_image(spec.input(1, "the weight").desc, rank);
  c.dst = as_image(spec.outputs.at(0), rank);
  auto& problem = c.problem;
  problem.stride = as_image(attributes.dims("stride"), "stride", rank, 1, 1);
  problem.dilation = as_image(attributes.dims("dilation"), "dilation", rank, 1, 1);
  problem.padding_begin = as_image(attributes.dims("padding"), "padding", rank, 0, 0);
  problem.padding_end = attributes.has("paddingEnd")
                            ? as_image(attributes.dims("paddingEnd"), "paddingEnd", rank, 0, 0)
                            : problem.padding_begin;
  problem.kernel = attributes.text("kernel", "");
  c.groups = attributes.integer("groups", 1);
  const int64_t in = c.src.shape[1], out = c.weight.shape[0];
  if (c.groups < 1 || in % c.groups != 0 || out % c.groups != 0)
    throw std::invalid_argument("groups " + std::to_string(c.groups) + " must divide the " +
                                std::to_string(in) + " input and " + std::to_string(out) +
                                " output channels");
  if (c.weight.shape[1] * c.groups != in)
    throw std::invalid_argument("the weight " + c.weight.to_string() + " with groups " +
                                std::to_string(c.groups) + " needs " +
                                std::to_string(c.weight.shape[1] * c.groups) +
                                " input channels, the input has " + std::to_string(in));
  Dims expected = {c.src.shape[0], out, 0, 0};
  for (size_t i = 0; i < 2; i++) {
    const int64_t span = (c.weight.shape[2 + i] - 1) * problem.dilation[i] + 1;
    const int64_t padded = c.src.shape[2 + i] + problem.padding_begin[i] + problem.padding_end[i];
    if (padded < span)
      throw std::invalid_argument("the kernel spans " + std::to_string(span) +
                                  ", more than the padded input's " + std::to_string(padded));
    expected[2 + i] = (padded - span) / problem.stride[i] + 1;
  }
  if (c.dst.shape != expected) {
    TensorDesc right{c.dst.dtype, expected, {}};
    throw std::invalid_argument("the output must be " + right.to_string());
  }
  if (c.src.numel() == 0 || c.dst.numel() == 0)
    throw std::invalid_argument("empty tensors cannot be convolved");
  problem.src = channels_last(c.src);
  problem.dst = channels_last(c.dst);
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

// With the kernel that was asked for; nothing where none was, or oneDNN does not have it.
std::optional<onednn::FusedPrimitive> make_chosen(const std::string& kernel,
                                                  const std::function<onednn::FusedPrimitive()>& make) {
  if (kernel.empty()) return std::nullopt;
  try {
    return make();
  } catch (const dnnl::error& error) {
    if (error.status != dnnl_unimplemented) throw;
    return std::nullopt;
  }
}

std::unique_ptr<Step> create(const StepSpec& spec) {
  auto c = read(spec);
  const auto& weight = spec.inputs[1];
  const int64_t channels = c.weight.shape[0];
  const auto inputs = read_inputs(spec, channels);
  auto fusion = read_fusion(spec, channels);
  std::optional<TensorDesc> addend;
  if (inputs.addend >= 0) addend = as_image(spec.inputs[inputs.addend].desc, spec.outputs[0].shape.size());
  const auto make_exact = [&] {
    auto problem = c.problem;
    problem.src = c.src;
    problem.dst = c.dst;
    return create_exact_layer(spec, {problem, c.weight, c.groups, addend}, inputs, fusion);
  };
  const bool has_exact = has_exact_layers(c.src.dtype);
  const bool wants_exact = c.problem.kernel.find("octavo:exact") != std::string::npos;
  if (needs_exact_layer(spec) || (has_exact && wants_exact)) return make_exact();
  if (fusion.src_zero_point != 0 && !is_padded(c.problem) && has_weight_sums(weight))
    fusion.weight_sums = weight_sums(weight);
  c.problem.has_bias = inputs.bias >= 0;
  if (auto plain = create_plain_convolution(spec, c.problem, fusion, c.src, weight_view(c), c.dst))
    return plain;
  const auto make = [&] {
    return make_fused(fusion, c.dst.dtype, [&](onednn::AddendForm form) {
      return onednn::make_convolution(c.problem, fusion, form, [&] { return products_fit_16_bits(spec); });
    });
  };
  auto fused = make_chosen(c.problem.kernel, make);
  const bool chosen = fused.has_value();
  if (!chosen) {
    c.problem.kernel.clear();
    fused.emplace(make());
  }
  if (is_slow(fused->primitive.implementation())) {
    if (has_exact) return make_exact();
    if (!chosen)
      if (const auto merged = with_merged_groups(spec)) return create(*merged);
  }
  const FusedViews views{{c.src, c.problem.src}, weight_view(c), {c.dst, c.problem.dst}, addend};
  return std::make_unique<FusedStep>(spec, inputs, views, std::move(*fused));
}
}  // namespace

std::unique_ptr<Step> create_convolution(const StepSpec& spec) { return with_float32_fallback(spec, create); }

}  // namespace octavo
