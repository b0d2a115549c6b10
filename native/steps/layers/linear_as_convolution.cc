#include "steps/layers/linear_as_convolution.h"

#include "onednn/convolution.h"
#include "operands/fused_step.h"

namespace octavo {

namespace {
// One row of pixels, channels-last; each is a row of the matrix.
TensorDesc as_pixels(const TensorDesc& rows) {
  const int64_t channels = rows.shape.back(), pixels = rows.numel() / channels;
  return {rows.dtype, {1, channels, 1, pixels}, {rows.numel(), 1, rows.numel(), channels}};
}
}  // namespace

Attempt create_pixel_linear(const StepSpec& spec, const FusedInputs& inputs, const onednn::Fusion& fusion,
                            onednn::Rejections& rejections) {
  const auto &src = spec.inputs[0].desc, &weight = spec.inputs[1].desc, &dst = spec.outputs[0];
  const auto* addend = inputs.addend < 0 ? nullptr : &spec.inputs[inputs.addend].desc;
  const bool dense = src.is_contiguous() && dst.is_contiguous() && (!addend || addend->is_contiguous());
  if (!dense) return {nullptr, "there are gaps between rows"};
  const TensorDesc kernel{
      weight.dtype, {weight.shape[0], weight.shape[1], 1, 1}, {weight.strides[0], weight.strides[1], 1, 1}};
  const onednn::ConvolutionProblem problem{as_pixels(src), as_pixels(dst), kernel.dtype,
                                           kernel.shape,   {1, 1},         {1, 1},
                                           {0, 0},         {0, 0},         inputs.bias >= 0};
  try {
    auto fused = make_fused(fusion, dst.dtype, [&](onednn::AddendForm form) {
      return onednn::make_convolution(
          problem, fusion, form, [] { return true; }, rejections);
    });
    const auto& implementation = fused.primitive.implementation();
    if (!implementation.contains("1x1")) return {nullptr, implementation.name + " is not for single pixels"};
    FusedViews views{{problem.src, problem.src}, onednn::to_onednn(kernel), {problem.dst, problem.dst}, {}};
    if (addend) views.addend = as_pixels(*addend);
    return {std::make_unique<FusedStep>(spec, inputs, views, std::move(fused))};
  } catch (const dnnl::error& error) {
    if (error.status != dnnl_unimplemented) throw;
    return {nullptr, error.what()};
  }
}

}  // namespace octavo
