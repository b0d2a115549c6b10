#include "steps/layers/convolution_call.h"

#include <algorithm>
#include <stdexcept>

#include "operands/product_range.h"
#include "operands/weight_sums.h"

namespace octavo {

namespace {
// An operand as the step receives it, and as the primitive reads it: as `image`, or in channel blocks.
View view_of(const Convolution& c, const TensorDesc& given, const TensorDesc& image, bool in_blocks) {
  if (!in_blocks && !c.in_blocks(given)) return {given, image};
  const TensorDesc blocks = octavo::in_blocks(image);
  return {c.in_blocks(given) ? given : octavo::in_blocks(given), in_blocks ? row_major(blocks) : blocks};
}

bool has_whole_blocks(const TensorDesc& image) { return image.shape[1] % kChannelBlock == 0; }

// The same problem on images in channel blocks. An image of few channels, such as a network's input, is read
// row-major.
onednn::ConvolutionProblem in_blocks(const Convolution& c) {
  auto problem = c.problem;
  problem.src_in_blocks = has_whole_blocks(problem.src);
  problem.dst_in_blocks = has_whole_blocks(problem.dst);
  if (!problem.src_in_blocks && !c.in_blocks(c.src)) problem.src = row_major(problem.src);
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
}  // namespace

bool is_padded(const onednn::ConvolutionProblem& problem) {
  const auto is_positive = [](int64_t amount) { return amount > 0; };
  const auto &begin = problem.padding_begin, &end = problem.padding_end;
  return std::any_of(begin.begin(), begin.end(), is_positive) ||
         std::any_of(end.begin(), end.end(), is_positive);
}

ConvolutionCall::ConvolutionCall(const StepSpec& given)
    : spec(given),
      convolution(read_convolution(spec)),
      inputs(read_inputs(spec, convolution.weight.shape[0])),
      fusion(read_fusion(spec, convolution.weight.shape[0])) {
  convolution.problem.has_bias = inputs.bias >= 0;
}

ConvolutionCall::Made ConvolutionCall::make_in_blocks() {
  check_blocks(spec, inputs);
  return make(in_blocks(convolution));
}

ConvolutionCall::Made& ConvolutionCall::channels_last() {
  if (!channels_last_) {
    const auto& weight = spec.inputs[1];
    if (fusion.src_zero_point != 0 && !is_padded(convolution.problem) && has_weight_sums(weight))
      fusion.weight_sums = weight_sums(weight);
    channels_last_.emplace(make(convolution.problem));
  }
  return *channels_last_;
}

// Makes the primitive with the kernel that problem.kernel names, or with the first kernel if it names none
// or one that oneDNN does not offer.
ConvolutionCall::Made ConvolutionCall::make(onednn::ConvolutionProblem problem) {
  const auto products_fit = [&] { return products_fit_16_bits(spec); };
  const auto attempt = [&](onednn::Rejections& passed_over) {
    return make_fused(fusion, problem.dst.dtype, [&](onednn::AddendForm form) {
      return onednn::make_convolution(problem, fusion, form, products_fit, passed_over);
    });
  };
  if (!problem.kernel.empty()) {
    try {
      onednn::Rejections passed_over;
      auto fused = attempt(passed_over);
      rejections.add(passed_over);
      return {problem, std::move(fused), true};
    } catch (const dnnl::error& error) {
      if (error.status != dnnl_unimplemented) throw;
    }
    rejections.add(problem.kernel, "was asked for, but oneDNN does not offer it");
    problem.kernel.clear();
  }
  auto fused = attempt(rejections);
  return {problem, std::move(fused), false};
}

dnnl::memory::desc ConvolutionCall::weight_view() const {
  TensorDesc view = convolution.weight;
  if (convolution.groups > 1) {
    view.shape = convolution.problem.weights;
    view.strides.insert(view.strides.begin(), view.strides[0] * view.shape[1]);
  }
  return onednn::to_onednn(view);
}

std::unique_ptr<Step> ConvolutionCall::step_of(Made made) const {
  const auto& problem = made.problem;
  const auto& c = convolution;
  FusedViews views{view_of(c, c.src, problem.src, problem.src_in_blocks), weight_view(),
                   view_of(c, c.dst, problem.dst, problem.dst_in_blocks), std::nullopt};
  if (inputs.addend >= 0) {
    const auto& given = spec.inputs[inputs.addend].desc;
    const auto addend = c.in_blocks(given) ? given : as_image(given, spec.outputs[0].shape.size());
    views.addend = view_of(c, addend, problem.dst, problem.dst_in_blocks).given;
  }
  return std::make_unique<FusedStep>(spec, inputs, views, std::move(made.fused));
}

}  // namespace octavo
