#include "onednn/plain_convolution.h"

namespace octavo::onednn {

namespace {
dnnl::memory::desc any_layout(const Dims& shape) {
  return {shape, dnnl::memory::data_type::f32, dnnl::memory::format_tag::any};
}
}  // namespace

PlainConvolution make_plain_convolution(const ConvolutionProblem& problem) {
  const auto src = any_layout(problem.src.shape), weights = any_layout(problem.weights),
             dst = any_layout(problem.dst.shape);
  const auto bias = problem.has_bias ? dnnl::memory::desc({problem.dst.shape[1]},
                                                          dnnl::memory::data_type::f32, dnnl::memory::dims{1})
                                     : dnnl::memory::desc();
  auto dilation = problem.dilation;
  for (auto& step : dilation) step -= 1;  // oneDNN counts the gaps
  // As PyTorch's eager mode asks: inference would choose among other kernels, which add in another order.
  const auto kind = dnnl::prop_kind::forward_training;
  const auto algorithm = dnnl::algorithm::convolution_direct;
#if OCTAVO_ONEDNN_3
  const dnnl::convolution_forward::primitive_desc pd(engine(), kind, algorithm, src, weights, bias, dst,
                                                     problem.stride, dilation, problem.padding_begin,
                                                     problem.padding_end, base_attributes());
#else
  const dnnl::convolution_forward::primitive_desc pd(
      {kind, algorithm, src, weights, bias, dst, problem.stride, dilation, problem.padding_begin,
       problem.padding_end},
      base_attributes(), engine());
#endif
  PlainConvolution result{Primitive(dnnl::convolution_forward(pd), pd.impl_info_str(), pd.scratchpad_desc()),
                          pd.src_desc(), pd.weights_desc(), pd.dst_desc()};
  result.primitive.add(DNNL_ARG_SRC, result.src);
  result.primitive.add(DNNL_ARG_WEIGHTS, result.weights);
  result.primitive.add(DNNL_ARG_DST, result.dst);
  if (problem.has_bias) result.primitive.add(DNNL_ARG_BIAS, bias);
  return result;
}

}  // namespace octavo::onednn
