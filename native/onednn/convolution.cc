#include "onednn/convolution.h"

#include "onednn/convolution_faults.h"
#include "onednn/kernel_choice.h"
#include "onednn/uncached.h"
#include "tensor/channel_blocks.h"

namespace octavo::onednn {

dnnl::memory::desc channel_blocks(const Dims& shape, DType dtype) {
  static_assert(kChannelBlock == 8, "the tag says how many");
  return {shape, to_onednn(dtype), dnnl::memory::format_tag::nChw8c};
}

namespace {
dnnl::memory::desc layout(const TensorDesc& image, bool in_blocks) {
  return in_blocks ? channel_blocks(image.shape, image.dtype) : to_onednn(image);
}
}  // namespace

FusedPrimitive make_convolution(const ConvolutionProblem& problem, const Fusion& fusion, AddendForm form,
                                const std::function<bool()>& products_fit, Rejections& rejections) {
  const auto src = layout(problem.src, problem.src_in_blocks),
             dst = layout(problem.dst, problem.dst_in_blocks);
  const dnnl::memory::desc weights(problem.weights, to_onednn(problem.weights_dtype),
                                   dnnl::memory::format_tag::any);
  const int64_t channels = problem.dst.shape[1];
  const bool grouped = problem.weights.size() == problem.src.shape.size() + 1;
  auto fused =
      make_fused_attributes(fusion, form, dst, channels, {grouped ? (1 << 0) | (1 << 1) : 1 << 0, 1 << 1});
  const bool has_bias = problem.has_bias || fused.needs_bias;
  const auto bias = has_bias
                        ? dnnl::memory::desc({channels}, dnnl::memory::data_type::f32, dnnl::memory::dims{1})
                        : dnnl::memory::desc();
  std::optional<Uncached> uncached;
  if (!problem.kernel.empty()) uncached.emplace();
  auto dilation = problem.dilation;
  for (auto& step : dilation) step -= 1;  // oneDNN counts the gaps
  const auto kind = dnnl::prop_kind::forward_inference;
  const auto algorithm = dnnl::algorithm::convolution_direct;
#if OCTAVO_ONEDNN_3
  dnnl::convolution_forward::primitive_desc pd(engine(), kind, algorithm, src, weights, bias, dst,
                                               problem.stride, dilation, problem.padding_begin,
                                               problem.padding_end, fused.attributes);
#else
  // A variable, because next_impl() refers to it.
  const dnnl::convolution_forward::desc description(kind, algorithm, src, weights, bias, dst, problem.stride,
                                                    dilation, problem.padding_begin, problem.padding_end);
  dnnl::convolution_forward::primitive_desc pd(description, fused.attributes, engine());
#endif
  KernelChoice choice(problem.kernel);
  bool padding_hinders = false;
  const auto reason_against = [&](const Implementation& implementation) -> const char* {
    if (const char* fault = fault_of(implementation, problem, fusion, form)) {
      if (implementation.is_amx)
        padding_hinders |= !fault_of(implementation, without_padding(problem), fusion, form);
      return fault;
    }
    if (adds_in_16_bits(implementation, problem.src.dtype) && !products_fit())
      return "adds pairs of products in 16 bits, which these weights exceed";
    return choice.takes(implementation) ? nullptr : "another implementation is asked for";
  };
  do {
    const Implementation implementation(pd.impl_info_str());
    if (const char* reason = reason_against(implementation)) {
      rejections.add(implementation.name, reason);
      continue;
    }
    try {
      Primitive primitive(dnnl::convolution_forward(pd), implementation, pd.scratchpad_desc());
      auto result = complete(std::move(primitive), {src, pd.weights_desc(), bias, dst}, std::move(fused));
      result.padding_hinders = padding_hinders && !implementation.is_amx;
      return result;
    } catch (const dnnl::error& error) {
      if (error.status != dnnl_runtime_error) throw;
      rejections.add(implementation.name, "oneDNN accepts the problem, but cannot compile the kernel");
    }
  } while (pd.next_impl());
  throw dnnl::error(dnnl_unimplemented, "oneDNN has no trustworthy implementation of this convolution");
}

}  // namespace octavo::onednn
