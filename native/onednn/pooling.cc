#include "onednn/pooling.h"

namespace octavo::onednn {

namespace {
auto make_descriptor(const PoolingProblem& p, const dnnl::memory::desc& src, const dnnl::memory::desc& dst) {
  Dims dilation = p.dilation;
  for (int64_t& d : dilation) d -= 1;  // oneDNN counts the gaps
#if OCTAVO_ONEDNN_3
  return dnnl::pooling_forward::primitive_desc(engine(), dnnl::prop_kind::forward_inference, p.algorithm, src,
                                               dst, p.stride, p.kernel, dilation, p.padding, p.padding_end,
                                               base_attributes());
#else
  return dnnl::pooling_v2_forward::primitive_desc({dnnl::prop_kind::forward_inference, p.algorithm, src, dst,
                                                   p.stride, p.kernel, dilation, p.padding, p.padding_end},
                                                  base_attributes(), engine());
#endif
}

// Vectors of the AVX2 kernel for bytes hold 32 channels. Fewer channels are stored by instructions that may
// fault on bytes they do not write: those before the destination, and those after a source at the end of its
// page.
bool is_faulty(const Implementation& implementation, const PoolingProblem& problem) {
  return implementation.name == "jit_int:avx2" && is_byte(problem.src.dtype) && problem.src.shape[1] < 32;
}

// Why a kernel must not, or should not, be used; null if it may.
const char* rejection_of(const Implementation& implementation, const PoolingProblem& problem) {
  // "simple_nchw" is also plain loops.
  if (implementation.is_reference || implementation.contains("simple")) return "is slow";
  if (is_faulty(implementation, problem)) return "may touch memory outside images of less than 32 channels";
  return nullptr;
}
}  // namespace

std::optional<Primitive> make_pooling(const PoolingProblem& problem, Rejections& rejections) {
  const auto src = to_onednn(problem.src), dst = to_onednn(problem.dst);
  try {
    const auto pd = make_descriptor(problem, src, dst);
    const Implementation implementation(pd.impl_info_str());
    if (const char* reason = rejection_of(implementation, problem)) {
      rejections.add(implementation.name, reason);
      return std::nullopt;
    }
#if OCTAVO_ONEDNN_3
    Primitive primitive(dnnl::pooling_forward(pd), implementation, pd.scratchpad_desc());
#else
    Primitive primitive(dnnl::pooling_v2_forward(pd), implementation, pd.scratchpad_desc());
#endif
    primitive.add(DNNL_ARG_SRC, src);
    primitive.add(DNNL_ARG_DST, dst);
    return primitive;
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_unimplemented) return std::nullopt;
    throw;
  }
}

}  // namespace octavo::onednn
