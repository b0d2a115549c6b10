// Convolution of signals [N, C, L] and images [N, C, H, W], float or quantized, with what is fused into it.
// It computes on channels-last images, or on float32 images whose channels lie in blocks where one of them
// does: operands that lie otherwise are reordered around it.
#include <stdexcept>

#include "contract/table.h"
#include "operands/float32_fallback.h"
#include "operands/fused_step.h"
#include "operands/product_range.h"
#include "operands/weight_sums.h"
#include "steps/layers/convolution_problem.h"
#include "steps/layers/exact/exact_layer.h"
#include "steps/layers/merged_groups.h"
#include "steps/layers/padded_source.h"
#include "steps/layers/plain_convolution.h"

namespace octavo {

namespace {
TensorDesc row_major(TensorDesc desc) {
  desc.strides = row_major_strides(desc.shape);
  return desc;
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
  auto c = read_convolution(spec);
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
  const bool is_reference = onednn::is_reference(fused.primitive.implementation());
  if (is_padded(c.problem) && (fused.padding_hinders || is_reference) && !chosen)
    return create_padded_source(spec, c, create);
  return make_step(spec, inputs, c, c.problem, std::move(fused));
}
}  // namespace

std::unique_ptr<Step> create_convolution(const StepSpec& spec) { return with_float32_fallback(spec, create); }

}  // namespace octavo
