#include "onednn/plain_convolution.h"

namespace octavo::onednn {

namespace {
dnnl::memory::desc any_layout(const Dims& shape) {
  return {shape, dnnl::memory::data_type::f32, dnnl::memory::format_tag::any};
}

dnnl::memory::desc bias_of(const ConvolutionProblem& problem) {
  return {{problem.dst.shape[1]}, dnnl::memory::data_type::f32, dnnl::memory::dims{1}};
}

auto describe(const ConvolutionProblem& problem, dnnl::prop_kind kind) {
  const auto src = any_layout(problem.src.shape), weights = any_layout(problem.weights),
             dst = any_layout(problem.dst.shape);
  const auto bias = problem.has_bias ? bias_of(problem) : dnnl::memory::desc();
  auto dilation = problem.dilation;
  for (auto& step : dilation) step -= 1;  // oneDNN counts the gaps
  const auto algorithm = dnnl::algorithm::convolution_direct;
#if OCTAVO_ONEDNN_3
  return dnnl::convolution_forward::primitive_desc(engine(), kind, algorithm, src, weights, bias, dst,
                                                   problem.stride, dilation, problem.padding_begin,
                                                   problem.padding_end, base_attributes());
#else
  return dnnl::convolution_forward::primitive_desc({kind, algorithm, src, weights, bias, dst, problem.stride,
                                                    dilation, problem.padding_begin, problem.padding_end},
                                                   base_attributes(), engine());
#endif
}
}  // namespace

PlainConvolution make_plain_convolution(const ConvolutionProblem& problem) {
  // As in PyTorch's eager mode: inference would choose other kernels, which add in another order.
  const auto pd = describe(problem, dnnl::prop_kind::forward_training);
  PlainConvolution result{
      Primitive(dnnl::convolution_forward(pd), Implementation(pd.impl_info_str()), pd.scratchpad_desc()),
      pd.src_desc(), pd.weights_desc(), pd.dst_desc()};
  result.primitive.add(DNNL_ARG_SRC, result.src);
  result.primitive.add(DNNL_ARG_WEIGHTS, result.weights);
  result.primitive.add(DNNL_ARG_DST, result.dst);
  if (problem.has_bias) result.primitive.add(DNNL_ARG_BIAS, bias_of(problem));
  return result;
}

namespace {
bool asks_for_channel_blocks() {
  ConvolutionProblem common;
  common.src.shape = common.dst.shape = {1, 64, 56, 56};
  common.weights = {64, 64, 3, 3};
  common.stride = common.dilation = common.padding_begin = common.padding_end = {1, 1};
  common.has_bias = true;
  return describe(common, dnnl::prop_kind::forward_inference).src_desc() ==
         channel_blocks(common.src.shape, DType::f32);
}
}  // namespace

bool prefers_channel_blocks() {
  static const bool prefers = asks_for_channel_blocks();
  return prefers;
}

}  // namespace octavo::onednn
