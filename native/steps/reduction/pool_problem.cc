#include "steps/reduction/pool_problem.h"

#include <stdexcept>

#include "rows/pointwise.h"
#include "tensor/channel_blocks.h"

namespace octavo {

namespace {
PoolAlgorithm algorithm_from_name(const std::string& name) {
  if (name == "max") return PoolAlgorithm::max;
  if (name == "avg_include_padding") return PoolAlgorithm::avg_include_padding;
  if (name == "avg_exclude_padding") return PoolAlgorithm::avg_exclude_padding;
  if (name == "avg_adaptive") return PoolAlgorithm::avg_adaptive;
  throw std::invalid_argument("unknown pooling algorithm '" + name + "'");
}

// Blocks of channels are pooled as images of their own. False where there are none.
bool unblock(TensorDesc& src, TensorDesc& dst) {
  if (!is_in_blocks(src) && !is_in_blocks(dst)) return false;
  for (auto* image : {&src, &dst})
    *image = blocks_as_images(is_in_blocks(*image) ? *image : in_blocks(*image));
  return true;
}
}  // namespace

PoolProblem::PoolProblem(const StepSpec& spec)
    : src(spec.input(0, "the tensor").desc),
      dst(spec.outputs.at(0)),
      algorithm(algorithm_from_name(spec.attributes.text("algorithm"))),
      divisor(spec.attributes.number("divisor", 0)),
      source(pointwise_operand(src, spec.attributes, "x").affine),
      target(pointwise_operand(dst, spec.attributes, "output").affine) {
  const bool blocks = unblock(src, dst);
  const size_t rank = src.shape.size();
  if (rank < 3 || rank > 4 || dst.shape.size() != rank)
    throw std::invalid_argument("pooling is over [N, C, L] or [N, C, H, W]");
  if (src.shape[0] != dst.shape[0] || src.shape[1] != dst.shape[1])
    throw std::invalid_argument("batch and channels of input and output differ");
  if (algorithm == PoolAlgorithm::max && (src.dtype != dst.dtype || !is_plain()))
    throw std::invalid_argument("max pooling keeps dtype and quantization parameters");
  if (!kernels::converts_through_float(src.dtype) || !kernels::converts_through_float(dst.dtype))
    throw std::invalid_argument(std::string("pooling does not compute in ") + dtype_name(src.dtype));
  const auto& a = spec.attributes;
  const size_t spatial = rank - 2;
  const Dims ones(spatial, 1), zeros(spatial, 0);
  const bool adaptive = algorithm == PoolAlgorithm::avg_adaptive;
  const Dims kernel = adaptive ? ones : a.dims("kernel"), stride = adaptive ? ones : a.dims("stride");
  const Dims padding = a.has("padding") ? a.dims("padding") : zeros;
  const Dims padding_end = a.has("paddingEnd") ? a.dims("paddingEnd") : padding;
  const Dims dilation = a.has("dilation") ? a.dims("dilation") : ones;
  for (const auto* list : {&kernel, &stride, &padding, &padding_end, &dilation})
    if (list->size() != spatial)
      throw std::invalid_argument("kernel, stride, padding and dilation need " + std::to_string(spatial) +
                                  " entries each");
  for (size_t i = 0; i < spatial; i++) {
    const PoolAxis axis = {src.shape[2 + i], dst.shape[2 + i], kernel[i],  stride[i],
                           padding[i],       padding_end[i],   dilation[i]};
    axes.push_back(axis);
    if (axis.kernel < 1 || axis.stride < 1 || axis.dilation < 1 || axis.padding < 0)
      throw std::invalid_argument("kernel, stride and dilation must be positive, padding not negative");
    if (axis.in < 1 && dst.numel() > 0) throw std::invalid_argument("there is nothing to pool over");
    if (adaptive) continue;
    if (axis.padding * 2 > axis.kernel)
      throw std::invalid_argument("padding " + std::to_string(axis.padding) +
                                  " is more than half of kernel " + std::to_string(axis.kernel));
    const PoolWindow last = axis.window(axis.out - 1);
    if (axis.out > 0 && last.begin >= last.end)
      throw std::invalid_argument("the last of " + std::to_string(axis.out) +
                                  " windows lies outside the input's extent " + std::to_string(axis.in));
  }
  // Our own loops run along channels, of which blocks have few.
  if (adaptive && blocks) use_even_windows();
}

// Where all adaptive windows are alike, they are an ordinary average's.
void PoolProblem::use_even_windows() {
  for (const auto& axis : axes)
    if (axis.out == 0 || axis.in % axis.out != 0) return;
  for (auto& axis : axes) axis.kernel = axis.stride = axis.in / axis.out;
  algorithm = PoolAlgorithm::avg_exclude_padding;
}

}  // namespace octavo
